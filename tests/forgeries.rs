//! Access tokens that are not ours, most of them signed with the very key.

use std::collections::BTreeSet;

use api::{
    config::Door,
    keys::{TokenKey, TokenKeys},
    serve::Server,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

use crate::support::{Client, KEY, Socket, TestApp};

/// A genuine token, taken apart.
struct Genuine {
    token: String,
    header: Value,
    claims: Value,
}

/// Tokens by what is wrong with them.
type Forgeries = Vec<(&'static str, String)>;

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn signature(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    encoded(mac.finalize().into_bytes())
}

/// A token of any text, signed with a key.
fn signed_by(key: &str, header: &str, claims: impl AsRef<[u8]>) -> String {
    let text = format!("{}.{}", encoded(header), encoded(claims));
    let signature = signature(key, &text);
    format!("{text}.{signature}")
}

impl Genuine {
    async fn of(client: &Client) -> Self {
        let token = client.token.clone().unwrap();
        let parts: Vec<_> = token.split('.').collect();
        let (header, claims) = (decoded(parts[0]), decoded(parts[1]));
        Self { token, header, claims }
    }

    fn parts(&self) -> (&str, &str, &str) {
        let (header, rest) = self.token.split_once('.').unwrap();
        let (claims, signature) = rest.split_once('.').unwrap();
        (header, claims, signature)
    }

    /// The header as this server writes it.
    fn header_text(&self) -> String {
        let kid = self.header["kid"].as_str().unwrap();
        format!(r#"{{"typ":"JWT","alg":"HS256","kid":"{kid}"}}"#)
    }

    fn with_claims(&self, claims: impl AsRef<[u8]>) -> String {
        signed_by(KEY, &self.header_text(), claims)
    }

    /// With some claims changed, null taking one away.
    fn changed(&self, changes: &Value) -> String {
        let mut claims = self.claims.clone();
        merge(&mut claims, changes);
        self.with_claims(claims.to_string())
    }

    /// With some of the header changed, null taking it away.
    fn headed(&self, changes: &Value) -> String {
        let mut header = self.header.clone();
        merge(&mut header, changes);
        signed_by(KEY, &header.to_string(), self.claims.to_string())
    }
}

fn merge(into: &mut Value, changes: &Value) {
    let into = into.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => into.remove(name),
            value => into.insert(name.clone(), value.clone()),
        };
    }
}

fn headers(genuine: &Genuine) -> Forgeries {
    let (_, claims, signature) = genuine.parts();
    let none = |alg: &str| encoded(format!(r#"{{"typ":"JWT","alg":"{alg}"}}"#));
    let known = genuine.header_text();
    let own = json!({ "kty": "oct", "k": encoded("a key of my own") });
    let text = |header: &str| format!("{}.{claims}", encoded(header));
    let with = |alg: &str| known.replace("HS256", alg);
    let mut hs384 = Hmac::<Sha384>::new_from_slice(KEY.as_bytes()).unwrap();
    hs384.update(text(&with("HS384")).as_bytes());
    let mut hs512 = Hmac::<Sha512>::new_from_slice(KEY.as_bytes()).unwrap();
    hs512.update(text(&with("HS512")).as_bytes());
    let hs384 = encoded(hs384.finalize().into_bytes());
    let hs512 = encoded(hs512.finalize().into_bytes());
    vec![
        ("alg none without a signature", format!("{}.{claims}.", none("none"))),
        ("alg none with a signature", format!("{}.{claims}.{signature}", none("none"))),
        ("alg nOnE", format!("{}.{claims}.", none("nOnE"))),
        ("HS384", format!("{}.{hs384}", text(&with("HS384")))),
        ("HS512", format!("{}.{hs512}", text(&with("HS512")))),
        ("RS256 over the same key", genuine.headed(&json!({ "alg": "RS256" }))),
        ("EdDSA over the same key", genuine.headed(&json!({ "alg": "EdDSA" }))),
        ("ES256 over the same key", genuine.headed(&json!({ "alg": "ES256" }))),
        ("no alg", genuine.headed(&json!({ "alg": null }))),
        ("a list of algs", genuine.headed(&json!({ "alg": ["HS256"] }))),
        ("alg in lower case", genuine.headed(&json!({ "alg": "hs256" }))),
        ("typ JWE", genuine.headed(&json!({ "typ": "JWE" }))),
        ("typ in lower case", genuine.headed(&json!({ "typ": "jwt" }))),
        ("no typ", genuine.headed(&json!({ "typ": null }))),
        ("no kid", genuine.headed(&json!({ "kid": null }))),
        ("an unknown kid", genuine.headed(&json!({ "kid": "0123456789abcdef" }))),
        ("a number as kid", genuine.headed(&json!({ "kid": 1 }))),
        ("kid injects SQL", genuine.headed(&json!({ "kid": "x' UNION SELECT 'k" }))),
        (
            "kid points at an empty file",
            signed_by(
                "",
                r#"{"typ":"JWT","alg":"HS256","kid":"../../dev/null"}"#,
                genuine.claims.to_string(),
            ),
        ),
        ("a key of its own", genuine.headed(&json!({ "jwk": own }))),
        ("jku", genuine.headed(&json!({ "jku": "http://127.0.0.1:1/keys" }))),
        ("x5u", genuine.headed(&json!({ "x5u": "http://127.0.0.1:1/cert" }))),
        ("crit", genuine.headed(&json!({ "crit": ["exp"] }))),
        ("b64 false", genuine.headed(&json!({ "b64": false, "crit": ["b64"] }))),
        ("zip", genuine.headed(&json!({ "zip": "DEF" }))),
        ("cty JWT", genuine.headed(&json!({ "cty": "JWT" }))),
        ("blanks in the header", {
            signed_by(KEY, &known.replace(',', ", "), genuine.claims.to_string())
        }),
        ("alg twice", {
            let twice = known.replace(r#""kid""#, r#""alg":"none","kid""#);
            signed_by(KEY, &twice, genuine.claims.to_string())
        }),
    ]
}

fn signatures(genuine: &Genuine, other: &Genuine) -> Forgeries {
    let (header, claims, signature) = genuine.parts();
    let text = format!("{header}.{claims}");
    let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
    // The last character carries four bits: this one differs in the two that are left over.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(&signature[42..]).unwrap();
    let loose = &alphabet[last + 1..=last + 1];
    let stolen = format!("{header}.{}.{signature}", other.parts().1);
    vec![
        ("the signature stripped", format!("{text}.")),
        ("two parts", text.clone()),
        ("four parts", format!("{}.{signature}", genuine.token)),
        ("a bit of the signature flipped", format!("{text}.{flipped}{}", &signature[1..])),
        ("the signature cut", format!("{text}.{}", &signature[..42])),
        ("the signature grown", format!("{}A", genuine.token)),
        ("the signature padded", format!("{}=", genuine.token)),
        ("bits left over in the signature", format!("{text}.{}{loose}", &signature[..42])),
        ("the signature of others' claims", stolen),
        ("signed with another key", {
            let another = "another key of forty characters or so...";
            signed_by(another, &genuine.header_text(), genuine.claims.to_string())
        }),
        ("signed with an empty key", {
            signed_by("", &genuine.header_text(), genuine.claims.to_string())
        }),
        ("signed with the key's own id", {
            let kid = genuine.header["kid"].as_str().unwrap();
            signed_by(kid, &genuine.header_text(), genuine.claims.to_string())
        }),
    ]
}

fn times_and_names(genuine: &Genuine) -> Forgeries {
    let iat = genuine.claims["iat"].as_i64().unwrap();
    let at = |seconds: i64| iat + seconds;
    vec![
        ("exp as text", genuine.changed(&json!({ "exp": at(600).to_string() }))),
        ("no exp", genuine.changed(&json!({ "exp": null }))),
        ("expired", genuine.changed(&json!({ "iat": at(-901), "exp": at(-1) }))),
        ("exp before 1970", genuine.changed(&json!({ "exp": -1 }))),
        ("exp with a fraction", genuine.changed(&json!({ "exp": at(600) as f64 + 0.5 }))),
        ("exp beyond all time", genuine.changed(&json!({ "exp": i64::MAX }))),
        ("a life of an hour", genuine.changed(&json!({ "exp": at(3600) }))),
        ("no iat", genuine.changed(&json!({ "iat": null }))),
        ("iat as text", genuine.changed(&json!({ "iat": iat.to_string() }))),
        ("nbf in the future", genuine.changed(&json!({ "nbf": at(600) }))),
        ("no iss", genuine.changed(&json!({ "iss": null }))),
        ("another iss", genuine.changed(&json!({ "iss": "slipwaγ" }))),
        ("a list of iss", genuine.changed(&json!({ "iss": ["slipway"] }))),
        ("no aud", genuine.changed(&json!({ "aud": null }))),
        ("another aud", genuine.changed(&json!({ "aud": "another" }))),
        ("a list of aud", genuine.changed(&json!({ "aud": ["slipway", "another"] }))),
    ]
}

fn subjects(genuine: &Genuine, other: &Genuine) -> Forgeries {
    let sub = genuine.claims["sub"].as_str().unwrap();
    let kind = sub.replace("user_", "ten_");
    vec![
        ("no sub", genuine.changed(&json!({ "sub": null }))),
        ("sub is nobody", genuine.changed(&json!({ "sub": format!("user_{}", "0".repeat(32)) }))),
        ("sub of another kind", genuine.changed(&json!({ "sub": kind }))),
        ("a number as sub", genuine.changed(&json!({ "sub": 1 }))),
        ("another's sub", genuine.changed(&json!({ "sub": other.claims["sub"] }))),
        ("no sid", genuine.changed(&json!({ "sid": null }))),
        ("another's sid", genuine.changed(&json!({ "sid": other.claims["sid"] }))),
        ("sid is none", genuine.changed(&json!({ "sid": format!("sess_{}", "0".repeat(32)) }))),
        ("no token version", genuine.changed(&json!({ "tv": null }))),
        ("a later token version", genuine.changed(&json!({ "tv": 1 }))),
        ("an earlier token version", genuine.changed(&json!({ "tv": -1 }))),
        ("a text as token version", genuine.changed(&json!({ "tv": "0" }))),
        ("no user_id", genuine.changed(&json!({ "user_id": null }))),
        ("no roles", genuine.changed(&json!({ "roles": null }))),
        ("a role that is none", genuine.changed(&json!({ "roles": ["ROOT"] }))),
        ("no jti", genuine.changed(&json!({ "jti": null }))),
    ]
}

fn shapes(genuine: &Genuine, other: &Genuine) -> Forgeries {
    let (header, _, signature) = genuine.parts();
    let claims = genuine.claims.to_string();
    let twice = |name: &str| {
        let value = &other.claims[name];
        claims.replacen('{', &format!("{{\"{name}\":{value},"), 1)
    };
    vec![
        ("nothing", String::new()),
        ("no token at all", "nonsense".to_owned()),
        ("three empty parts", "..".to_owned()),
        ("no claims", format!("{header}..{signature}")),
        ("claims are a list", genuine.with_claims("[]")),
        ("claims are empty", genuine.with_claims("{}")),
        ("claims are no JSON", genuine.with_claims("claims")),
        ("claims are no text", genuine.with_claims([0xff, 0xfe])),
        ("more behind the claims", genuine.with_claims(format!("{claims}{claims}"))),
        ("sub twice", genuine.with_claims(twice("sub"))),
        ("exp twice", genuine.with_claims(twice("exp"))),
        ("iss twice", genuine.with_claims(twice("iss"))),
        ("oversized", genuine.changed(&json!({ "more": "x".repeat(4096) }))),
        ("a token in a token", genuine.with_claims(&genuine.token)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_forged_token_lets_anybody_in() {
    let mut app = TestApp::new().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let (genuine, other) = (Genuine::of(&ada).await, Genuine::of(&eve).await);
    let address = app.live().await;
    let forgeries = [
        headers(&genuine),
        signatures(&genuine, &other),
        times_and_names(&genuine),
        subjects(&genuine, &other),
        shapes(&genuine, &other),
    ]
    .concat();
    let distinct: BTreeSet<_> = forgeries.iter().map(|(_, token)| token).collect();
    assert_eq!(distinct.len(), forgeries.len());
    assert!(forgeries.len() >= 80, "{}", forgeries.len());

    for (name, forgery) in &forgeries {
        let reply = Client::new(app.routes.clone(), Some(forgery))
            .send("{ viewer { id } }", json!({}))
            .await;
        assert_eq!((reply.status.as_u16(), reply.code()), (401, "UNAUTHENTICATED"), "{name}");
        let mut socket = Socket::open(&address).await;
        let payload = json!({ "authorization": format!("Bearer {forgery}") });
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.close_code().await, 4403, "{name}");
    }

    // The forger knows how: the same by the same means, unchanged, is let in.
    let copy = genuine.changed(&json!({}));
    assert_eq!(Client::new(app.routes.clone(), Some(&copy)).id().await, ada.id().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_ways_to_authorise_are_refused() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let token = ada.token.clone().unwrap();
    let refresh = app.anonymous().register("eve").await.ok()["register"]["refreshToken"].clone();
    let ways = [
        "Bearer".to_owned(),
        token.clone(),
        format!("Basic {token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {}", refresh.as_str().unwrap()),
    ];

    for way in ways {
        let body = json!({ "query": "{ viewer { id } }" });
        let reply = app.anonymous().post(&body, &[("authorization", &way)]).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (401, "UNAUTHENTICATED"), "{way:.30}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_changes_without_a_token_dying_before_its_time() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let key = |text: &str| TokenKey::new(text).unwrap();
    let fresh = "the next key for tests only, thirty-two and more";
    let served = async |current: &str, previous: Option<&str>| {
        let keys = TokenKeys { current: key(current), previous: previous.map(key) };
        Server::new(&app.control_plane, &keys, Door::default()).await.unwrap().routes
    };
    let (changing, changed) = (served(fresh, Some(KEY)).await, served(fresh, None).await);
    let genuine = Genuine::of(&ada).await;
    let kid = key(fresh).id();
    let header = format!(r#"{{"typ":"JWT","alg":"HS256","kid":"{kid}"}}"#);
    let new = signed_by(fresh, &header, genuine.claims.to_string());
    let mixed = signed_by(fresh, &genuine.header_text(), genuine.claims.to_string());
    let old = &genuine.token;
    let order = json!({ "query": format!("mutation {{ placeOrder(idempotencyKey: \"k\", input: {{
        productId: \"{product}\", instanceName: \"web\" }}) {{ replayed }} }}") });

    let accepts = async |routes: &api::http::Routes, token: &str| {
        let client = Client::new(routes.clone(), Some(token));
        client.send("{ viewer { id } }", json!({})).await.status == 200
    };
    let first = Client::new(app.routes.clone(), Some(old)).post(&order, &[]).await.ok();
    let again = Client::new(changing.clone(), Some(&new)).post(&order, &[]).await.ok();

    assert_eq!((accepts(&app.routes, old).await, accepts(&app.routes, &new).await), (true, false));
    assert_eq!((accepts(&changing, old).await, accepts(&changing, &new).await), (true, true));
    assert_eq!((accepts(&changed, old).await, accepts(&changed, &new).await), (false, true));
    assert!(!accepts(&changing, &mixed).await, "each key under its own id only");
    let replayed = [&first, &again].map(|reply| reply["placeOrder"]["replayed"] == true);
    assert_eq!(replayed, [false, true]);
}
