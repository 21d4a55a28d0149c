//! How long a socket lives: no longer than five seconds beyond its right to.

use std::time::Duration;

use api::{auth::Signer, keys::TokenKey};
use domain::{
    clock::{Clock, SystemClock},
    identity::TokenIssuer,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::support::{Client, KEY, Socket, TestApp};

const LONGEST: Duration = Duration::from_secs(5);

/// A new account with a token that is good for so many seconds only.
async fn user_for(app: &TestApp, name: &str, seconds: i64) -> Client {
    let account = app.anonymous().register(name).await.ok()["register"].clone();
    let id = account["user"]["id"].as_str().unwrap().parse().unwrap();
    let (session, _) = account["refreshToken"].as_str().unwrap().split_once('.').unwrap();
    let user = app.control_plane.users_by_id(&[id]).await.unwrap().pop().unwrap();
    let key = TokenKey::new(KEY).unwrap();
    let issued_at =
        SystemClock.now() - SignedDuration::from_mins(15) + SignedDuration::from_secs(seconds);
    let tokens = Signer::new(&key).issue(&user, session.parse().unwrap(), issued_at).unwrap();
    Client::new(app.routes.clone(), Some(&tokens.access_token))
}

async fn connect(address: &str, client: &Client) -> Socket {
    let mut socket = Socket::connect(address, client.token.as_deref()).await;
    socket.subscribe("1", "subscription { events { type } }", json!({})).await;
    socket
}

fn renewal(client: &Client) -> Value {
    let authorization = format!("Bearer {}", client.token.as_deref().unwrap());
    json!({ "type": "ping", "payload": { "authorization": authorization } })
}

/// The answer to a query on a socket that may hear other things by the way.
async fn ask(socket: &mut Socket, query: &str) -> Value {
    let mut answer = Value::Null;
    socket.subscribe("asked", query, json!({})).await;
    loop {
        let message = socket.hear().await;
        match (message["id"].as_str(), message["type"].as_str()) {
            (Some("asked"), Some("next")) => answer = message["payload"]["data"].clone(),
            (Some("asked"), _) => return answer,
            _ => {}
        }
    }
}

async fn still_answers(socket: &mut Socket) {
    assert_eq!(ask(socket, "{ __typename }").await["__typename"], "Query");
}

/// The socket is closed with 4403, soon enough after now.
async fn is_forbidden_soon(mut socket: Socket) {
    assert_eq!(timeout(LONGEST, socket.close_code()).await.expect("it lives on"), 4403);
}

async fn set_status(root: &Client, user: &str, status: &str) {
    let document = "mutation($id: ID!, $status: UserStatus!) {
        setUserStatus(userId: $id, status: $status) { cursor } }";
    root.send(document, json!({ "id": user, "status": status })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_ends_with_its_token() {
    let mut app = TestApp::new().await;
    let ada = user_for(&app, "ada", 3).await;
    let address = app.live().await;

    let socket = connect(&address, &ada).await;

    is_forbidden_soon(socket).await;
    let mut late = Socket::open(&address).await;
    let authorization = format!("Bearer {}", ada.token.unwrap());
    let payload = json!({ "authorization": authorization });
    late.say(json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(late.close_code().await, 4403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_token_in_a_ping_prolongs_a_socket() {
    let mut app = TestApp::new().await;
    let short = user_for(&app, "ada", 3).await;
    let long = app.anonymous().login("ada").await;
    let address = app.live().await;
    let (mut renewed, left) = (connect(&address, &short).await, connect(&address, &short).await);

    renewed.say(renewal(&long)).await;
    assert_eq!(renewed.hear().await["type"], "pong");
    is_forbidden_soon(left).await;

    sleep(Duration::from_secs(1)).await;
    still_answers(&mut renewed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_cannot_hand_a_socket_to_another_account() {
    let mut app = TestApp::new().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let address = app.live().await;
    let mut socket = connect(&address, &ada).await;

    socket.say(renewal(&eve)).await;

    assert_eq!(socket.close_code().await, 4403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sockets_of_an_account_end_when_it_is_disabled_or_restricted() {
    let mut app = TestApp::new().await;
    let (root, ada, bob) = (app.admin().await, app.user("ada").await, app.user("bob").await);
    let address = app.live().await;
    let mut nobody = Socket::connect(&address, None).await;
    let disabled = [connect(&address, &ada).await, connect(&address, &ada).await];
    let restricted = connect(&address, &bob).await;
    let mut untouched = connect(&address, &root).await;

    set_status(&root, &bob.id().await, "RESTRICTED").await;
    set_status(&root, &ada.id().await, "DISABLED").await;

    let [one, other] = disabled;
    tokio::join!(is_forbidden_soon(one), is_forbidden_soon(other), is_forbidden_soon(restricted));
    still_answers(&mut nobody).await;
    still_answers(&mut untouched).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_ends_with_its_session() {
    let mut app = TestApp::new().await;
    let here = app.user("ada").await;
    let (there, elsewhere) = (here.login("ada").await, here.login("ada").await);
    let address = app.live().await;
    let first = connect(&address, &here).await;
    let (mut second, third) =
        (connect(&address, &there).await, connect(&address, &elsewhere).await);

    here.send("mutation { logout { cursor } }", json!({})).await.ok();
    is_forbidden_soon(first).await;
    still_answers(&mut second).await;
    there.send("mutation { logout(allSessions: true) { cursor } }", json!({})).await.ok();

    tokio::join!(is_forbidden_soon(second), is_forbidden_soon(third));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_ends_when_its_owner_loses_a_right() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let id = ada.id().await;
    let set_roles = async |roles: Value| {
        let document = "mutation($id: ID!, $roles: [Role!]!) {
            setUserRoles(userId: $id, roles: $roles) { cursor } }";
        root.send(document, json!({ "id": id, "roles": roles })).await.ok();
    };
    let address = app.live().await;
    let mut socket = connect(&address, &ada).await;

    set_roles(json!(["USER", "ADMIN"])).await;
    loop {
        let seen = ask(&mut socket, "{ viewer { roles } }").await;
        if seen["viewer"]["roles"] == json!(["USER", "ADMIN"]) {
            break;
        }
    }
    set_roles(json!(["USER"])).await;

    is_forbidden_soon(socket).await;
}
