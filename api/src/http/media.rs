//! Which media types a client takes and sends, as GraphQL over HTTP has it.

use http::{HeaderMap, HeaderValue, header};

use crate::metrics::Transport;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    GraphqlResponse,
    /// Asked for by name.
    Json,
    /// JSON for a client that did not say what it takes.
    AnyJson,
}

impl Media {
    /// The type to answer in: JSON where the client does not care, none where it takes neither.
    pub fn negotiate(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(header::ACCEPT) {
            return Some(Self::AnyJson);
        }
        let json = preference(headers, "application/json");
        let graphql = preference(headers, "application/graphql-response+json");
        // Specificity breaks a tie of qualities, and of that our own type.
        if graphql > json || graphql == json && graphql.specificity == Preference::EXACT {
            Some(Self::GraphqlResponse).filter(|_| graphql.quality > 0.0)
        } else {
            let named = json.specificity == Preference::EXACT;
            let media = if named { Self::Json } else { Self::AnyJson };
            Some(media).filter(|_| json.quality > 0.0)
        }
    }

    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json | Self::AnyJson => "application/json; charset=utf-8",
        })
    }
}

/// How a client wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What is one answer, and every refusal of what is no GraphQL request.
    pub media: Media,
    pub events: Events,
}

/// When a client wants server-sent events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    Never,
    /// It takes JSON as well: whichever suits the operation.
    ForSubscriptions,
    Always,
}

impl Wanted {
    /// What anything but a subscription is answered by.
    pub fn transport(self) -> Transport {
        match self.events {
            Events::Always => Transport::Sse,
            Events::Never | Events::ForSubscriptions => Transport::Http,
        }
    }

    /// None where the client takes nothing that is served here.
    pub fn by(headers: &HeaderMap) -> Option<Self> {
        let media = Media::negotiate(headers);
        let events = preference(headers, "text/event-stream");
        if events.specificity < Preference::EXACT || events.quality <= 0.0 {
            return media.map(|media| Self { media, events: Events::Never });
        }
        let json = ["application/json", "application/graphql-response+json"];
        let events = match json.iter().all(|json| events > preference(headers, json)) {
            true => Events::Always,
            false => Events::ForSubscriptions,
        };
        Some(Self { media: media.unwrap_or(Media::AnyJson), events })
    }
}

/// Whether a browser wants a page.
pub fn wants_html(headers: &HeaderMap) -> bool {
    preference(headers, "text/html").specificity == Preference::EXACT
}

/// Whether the body is declared to be JSON in UTF-8. A page of another origin cannot send that
/// without asking first, which is what protects against forged requests.
pub fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|content_type| {
        let (essence, charset) = split(content_type);
        essence.eq_ignore_ascii_case("application/json") && is_utf8(charset)
    })
}

/// How much a client wants a type, and how exactly it said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
struct Preference {
    quality: f32,
    specificity: u8,
}

impl Preference {
    const EXACT: u8 = 3;
}

fn preference(headers: &HeaderMap, media_type: &str) -> Preference {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges = accepted.flat_map(|value| value.split(','));
    let matching = ranges.filter_map(|range| range_preference(range, media_type));
    matching.max_by_key(|preference| preference.specificity).unwrap_or_default()
}

/// What one range of an `Accept` header says of a type, if anything.
fn range_preference(range: &str, media_type: &str) -> Option<Preference> {
    let (essence, parameters) = split(range);
    let (kind, _) = media_type.split_once('/')?;
    let specificity = if essence.eq_ignore_ascii_case(media_type) && is_utf8(parameters) {
        Preference::EXACT
    } else if essence.strip_suffix("/*").is_some_and(|it| it.eq_ignore_ascii_case(kind)) {
        2
    } else if essence == "*/*" {
        1
    } else {
        return None;
    };
    let quality = parameter(parameters, "q").map_or(Some(1.0), |q| q.parse().ok())?;
    Some(Preference { quality, specificity })
}

fn split(value: &str) -> (&str, &str) {
    let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
    (essence.trim(), parameters)
}

fn is_utf8(parameters: &str) -> bool {
    parameter(parameters, "charset").is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"))
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    fn negotiate(accept: &str) -> Option<Media> {
        Media::negotiate(&with(header::ACCEPT, accept))
    }

    #[test]
    fn answers_in_json_where_the_client_does_not_care() {
        assert_eq!(Media::negotiate(&HeaderMap::new()), Some(Media::AnyJson));
        for accept in ["*/*", "application/*", "text/html, */*;q=0.1"] {
            assert_eq!(negotiate(accept), Some(Media::AnyJson), "{accept}");
        }
        assert_eq!(negotiate("application/json"), Some(Media::Json));
    }

    #[test]
    fn prefers_what_the_client_prefers() {
        let graphql = "application/graphql-response+json";
        for accept in [
            graphql.to_owned(),
            format!("{graphql}; charset=utf-8, application/json; charset=utf-8"),
            format!("application/json, {graphql}"),
            format!("{graphql}, */*;q=0.5"),
        ] {
            assert_eq!(negotiate(&accept), Some(Media::GraphqlResponse), "{accept}");
        }
        assert_eq!(negotiate(&format!("{graphql};q=0.5, application/json")), Some(Media::Json));
        assert_eq!(negotiate("application/json;q=0, */*"), Some(Media::GraphqlResponse));
    }

    #[test]
    fn takes_neither() {
        for accept in ["text/html", "text/event-stream", "*/*;q=0", "application/json; charset=x"] {
            assert_eq!(negotiate(accept), None, "{accept}");
        }
    }

    #[test]
    fn events_are_for_those_who_name_them() {
        let events = |accept| Wanted::by(&with(header::ACCEPT, accept)).map(|wanted| wanted.events);

        assert_eq!(events("text/event-stream"), Some(Events::Always));
        assert_eq!(events("text/event-stream, */*"), Some(Events::Always));
        assert_eq!(
            events("application/graphql-response+json, application/json, text/event-stream"),
            Some(Events::ForSubscriptions)
        );
        for accept in ["application/json", "*/*", "text/*, */*", "*/*, text/event-stream;q=0"] {
            assert_eq!(events(accept), Some(Events::Never), "{accept}");
        }
        assert_eq!(events("text/html"), None);
    }

    #[test]
    fn a_body_is_json_in_utf8() {
        let is_json = |value| is_json(&with(header::CONTENT_TYPE, value));

        assert!(is_json("application/json") && is_json("Application/JSON; charset=\"UTF-8\""));
        for other in ["text/plain", "application/json; charset=utf-16", "application/json+x", ""] {
            assert!(!is_json(other), "{other}");
        }
    }

    #[test]
    fn browsers_want_a_page() {
        assert!(wants_html(&with(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")));
        assert!(!wants_html(&with(header::ACCEPT, "*/*")));
    }
}
