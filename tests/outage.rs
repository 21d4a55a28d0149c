//! A database that goes away, breaking what is open or without a word, and comes back.

use std::time::Duration;

use serde_json::Value;
use tokio::{task::spawn_blocking, time::timeout};

use crate::{
    processes::{buy, product, register, settled},
    support::{Cable, Database, Process, State, http_get},
};

const DOCUMENT: &str = "{ orders { totalCount } }";
/// How long an answer may take while there is no database, and the way back when there is one.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_cut_off_is_unavailable_until_it_is_back() {
    goes_and_comes_back(State::Cut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_falls_silent_is_unavailable_until_it_is_back() {
    goes_and_comes_back(State::Silent).await;
}

async fn goes_and_comes_back(state: State) {
    let database = Database::new().await;
    if !database.is_postgres() {
        return;
    }
    let (cable, url) = Cable::to_database(&database.url).await;
    let Some(process) = Process::start_with(&database, &[("SLIPWAY_DATABASE_URL", &url)]) else {
        return;
    };
    let token = register(&process, "ada");
    let order = buy(&process, &token, &product(&process), "blog");

    cable.set(state);
    let refusals = timeout(PATIENCE, ask_from_all_sides(&process.address, &token)).await.unwrap();
    let ready = timeout(PATIENCE, http_get(&process.address, "/readyz")).await.unwrap();
    let live = timeout(PATIENCE, http_get(&process.address, "/livez")).await.unwrap();
    cable.set(State::Whole);
    let back = timeout(PATIENCE, until_it_answers(&process.address, &token)).await;

    for refusal in refusals {
        assert_eq!(refusal["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{refusal}");
    }
    assert_eq!((ready.0, live.0), (503, 200));
    assert_eq!(back.unwrap()["data"]["orders"]["totalCount"], 1);
    assert_eq!(settled(&process, &token), [(order, "COMPLETED".to_owned())]);
}

/// More callers than there are connections to the database.
async fn ask_from_all_sides(address: &str, token: &str) -> Vec<Value> {
    let calls = (0..40).map(|_| spawn_blocking(asking(address, token)));
    let answers = futures::future::join_all(calls).await;
    answers.into_iter().map(Result::unwrap).collect()
}

async fn until_it_answers(address: &str, token: &str) -> Value {
    loop {
        let answer = spawn_blocking(asking(address, token)).await.unwrap();
        if answer["errors"].is_null() {
            return answer;
        }
    }
}

fn asking(address: &str, token: &str) -> impl FnOnce() -> Value + use<> {
    let (address, token) = (address.to_owned(), token.to_owned());
    move || Process::ask_as(&address, &token, DOCUMENT)
}
