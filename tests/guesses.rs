//! How often passwords may be guessed.

use std::time::Duration;

use api::config::Door;
use domain::{Settings, identity::GuessLimits};
use serde_json::{Value, json};

use crate::support::{Reply, Socket, TestApp};

const WRONG: &str = "not the password";
const RIGHT: &str = "correct horse battery";

async fn with_limits(account: u32, address: u32) -> TestApp {
    let guess_limits = GuessLimits { account, address };
    TestApp::with(Settings { guess_limits, ..Settings::default() }).await
}

/// Guesses so many times; answers with the codes.
async fn guess(app: &TestApp, name: &str, times: usize) -> Vec<String> {
    let mut codes = Vec::new();
    for _ in 0..times {
        codes.push(app.anonymous().try_login(name, WRONG).await.code().to_owned());
    }
    codes
}

/// The code of a mutation over a socket, whose peer the server knows.
async fn over(socket: &mut Socket, mutation: &str, input: Value) -> String {
    let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let document =
        format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ accessToken }} }}");
    socket.subscribe("1", &document, json!({ "input": input })).await;
    let code = socket.hear().await["payload"]["errors"][0]["extensions"]["code"].clone();
    assert_eq!(socket.hear().await["type"], "complete");
    code.as_str().unwrap_or("none").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_guessed_at_so_often_and_then_waits() {
    let app = with_limits(3, 0).await;
    app.user("ada").await;
    app.user("bob").await;

    let wrong = guess(&app, "ada", 4).await;
    let right = app.anonymous().try_login("ada", RIGHT).await;
    let other = app.anonymous().try_login("bob", RIGHT).await;
    app.advance(Duration::from_secs(301));
    let later = app.anonymous().try_login("ada", RIGHT).await;

    assert_eq!(wrong, ["FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "RATE_LIMITED"]);
    assert_eq!(right.code(), "RATE_LIMITED");
    assert_eq!(right.extension("retryAfter"), 301);
    assert_eq!(right.extension("retryable"), true);
    other.ok();
    later.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_is_throttled_like_a_known_one() {
    let app = with_limits(2, 0).await;
    app.user("ada").await;
    let answers = async |name: &str| -> Vec<Value> {
        let mut bodies = Vec::new();
        for _ in 0..4 {
            bodies.push(app.anonymous().try_login(name, WRONG).await.body);
        }
        bodies
    };

    assert_eq!(answers("ada").await, answers("nobody").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_once_gain_nothing_beyond_the_limit() {
    let app = with_limits(3, 0).await;
    app.user("ada").await;

    let tries = (0..12).map(|_| app.anonymous()).map(async |client| {
        let reply: Reply = client.try_login("ada", WRONG).await;
        reply.code().to_owned()
    });
    let codes = futures::future::join_all(tries).await;

    assert_eq!(codes.iter().filter(|code| *code == "FORBIDDEN").count(), 3, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| *code == "RATE_LIMITED").count(), 9, "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_current_password_is_guessed_at_no_more_often() {
    let app = with_limits(2, 0).await;
    let ada = app.user("ada").await;
    let change = async |current: &str| {
        let input = json!({ "currentPassword": current, "newPassword": "a new password" });
        let document = "mutation($input: ChangePasswordInput!) {
            changePassword(input: $input) { accessToken } }";
        ada.send(document, json!({ "input": input })).await.code().to_owned()
    };

    let codes = [change(WRONG).await, change(WRONG).await, change(RIGHT).await];

    assert_eq!(codes, ["INVALID", "INVALID", "RATE_LIMITED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_guesses_and_registers_so_often() {
    let app = with_limits(0, 3).await;
    app.user("ada").await;
    let address = app.served(Door::default()).await.0;
    let mut socket = Socket::connect(&address, None).await;
    let login = |name: &str, password| json!({ "email": format!("{name}@example.com"), "password": password });
    let account = |name: &str| {
        let email = format!("{name}@example.com");
        json!({ "email": email, "password": RIGHT, "nickname": name })
    };

    let codes = [
        over(&mut socket, "login", login("ada", WRONG)).await,
        over(&mut socket, "register", account("bob")).await,
        over(&mut socket, "login", login("ada", RIGHT)).await,
        over(&mut socket, "login", login("eve", WRONG)).await,
    ];
    let mut another = Socket::connect(&address, None).await;
    let late = [
        over(&mut another, "login", login("ada", RIGHT)).await,
        over(&mut another, "register", account("eve")).await,
    ];

    assert_eq!(codes, ["FORBIDDEN", "none", "none", "FORBIDDEN"]);
    assert_eq!(late, ["RATE_LIMITED", "RATE_LIMITED"]);
}
