//! What the program itself writes to its log.

use serde_json::{Value, json};

use crate::support::{Database, Process};

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_request_has_its_id_and_none_can_be_forged() {
    let database = Database::new().await;
    let settings = [("SLIPWAY_LOG", "info"), ("SLIPWAY_LOG_FORMAT", "json")];
    let Some(process) = Process::start_with(&database, &settings) else {
        return;
    };
    let forged = "x\n{\"level\":\"ERROR\",\"message\":\"forged\"}";

    process.send_as(
        "the-request",
        None,
        "mutation($name: String!) { register(input: {
        email: \"ada@example.com\", password: \"correct horse\", nickname: $name }) { cursor } }",
        &json!({ "name": forged }),
    );
    let lines: Vec<Value> =
        process.log().lines().map(|line| serde_json::from_str(line).expect(line)).collect();

    let mine: Vec<_> =
        lines.iter().filter(|line| line["spans"][0]["request.id"] == "the-request").collect();
    assert_eq!(mine.len(), 1, "{lines:?}");
    assert_eq!((&mine[0]["kind"], &mine[0]["outcome"]), (&json!("Mutation"), &json!("INVALID")));
    assert!(lines.iter().all(|line| line["message"] != "forged"));
}
