use http::{HeaderMap, header};

/// Whether the page that opens a socket may do so. A browser names the page's origin, and no page
/// can forge it; other clients name none.
pub fn is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    is_same_host(origin, headers) || allowed.iter().any(|it| it.eq_ignore_ascii_case(origin))
}

fn is_same_host(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "slipway.test:8080".parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        is_allowed(&headers, &["https://console.test".to_owned()])
    }

    #[test]
    fn its_own_host_no_origin_and_those_that_are_listed() {
        assert!(check(None));
        assert!(check(Some("http://slipway.test:8080")));
        assert!(check(Some("https://console.test")));
    }

    #[test]
    fn nobody_else() {
        for origin in [
            "null",
            "",
            "http://slipway.test",
            "http://slipway.test:8080.evil.test",
            "http://console.test",
            "https://console.test.evil.test",
        ] {
            assert!(!check(Some(origin)), "{origin}");
        }
    }
}
