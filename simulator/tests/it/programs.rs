//! What containers do by their commands.

use serde_json::{Value, json};

use crate::support::{PODS, TestCluster};

/// A Pod that is not restarted, and has run.
async fn ran(container: Value) -> (TestCluster, Value) {
    let test = TestCluster::with_namespace().await;
    let mut content = json!({"name": "main", "image": "tools:1"});
    for (field, value) in container.as_object().unwrap() {
        content[field] = value.clone();
    }
    let spec = json!({"restartPolicy": "Never", "containers": [content]});
    test.make(PODS, "one", json!({"spec": spec})).await;
    test.advance(60.0);
    let pod = test.get(&format!("{PODS}/one")).await.ok();
    (test, pod["status"].clone())
}

async fn log(test: &TestCluster) -> String {
    let log = test.get(&format!("{PODS}/one/log")).await.ok();
    log.as_str().unwrap_or_default().to_owned()
}

fn end(status: &Value) -> &Value {
    &status["containerStatuses"][0]["state"]["terminated"]
}

#[tokio::test]
async fn a_script_writes_its_log_and_ends_with_its_code() {
    let script = "echo one; echo coverage: 87.5%; exit 3";

    let (test, status) = ran(json!({"command": ["/bin/sh", "-c", script]})).await;

    assert_eq!(log(&test).await, "one\ncoverage: 87.5%\n");
    assert_eq!(status["phase"], "Failed");
    assert_eq!((&end(&status)["exitCode"], &end(&status)["reason"]), (&json!(3), &json!("Error")));
    assert_eq!(end(&status)["message"], Value::Null);
}

#[tokio::test]
async fn a_message_is_what_is_left_in_the_file_or_the_end_of_the_log() {
    let written = json!({"command": ["sh", "-c", "echo done > /dev/termination-log"]});
    let fallen_back = json!({
        "command": ["sh", "-c", "echo why; exit 1"],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    });

    let (test, written) = ran(written).await;
    let (_, fallen_back) = ran(fallen_back).await;

    assert_eq!(end(&written)["message"], "done\n");
    assert_eq!(log(&test).await, "");
    assert_eq!(end(&fallen_back)["message"], "why\n");
}

#[tokio::test]
async fn a_build_leaves_the_digest_of_its_image() {
    let script = "buildctl-daemonless.sh build \"$@\" --metadata-file /tmp/m.json \
                  && cat /tmp/m.json > /dev/termination-log";
    let context = "context=https://git.example/shop.git#c0ffee";
    let output = "type=image,name=registry.example/shop:1,push=true";
    let args = json!([script, "build", "--opt", context, "--output", output]);

    let (test, status) = ran(json!({"command": ["sh", "-c"], "args": args})).await;

    let message: Value = serde_json::from_str(end(&status)["message"].as_str().unwrap()).unwrap();
    let digest = message["containerimage.digest"].as_str().unwrap().to_owned();
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
    assert!(log(&test).await.contains(&format!("registry.example/shop:1@{digest}")));
}

#[tokio::test]
async fn a_script_that_ends_is_started_again_where_the_pod_goes_on() {
    let test = TestCluster::with_namespace().await;
    let pod = |script| {
        let command = json!(["sh", "-c", script]);
        json!({"spec": {"containers": [{"name": "main", "image": "a:1", "command": command}]}})
    };
    test.make(PODS, "ends", pod("echo bye; exit 2")).await;
    test.make(PODS, "goes-on", pod("echo hello; exec serve")).await;

    test.advance(60.0);

    let status = async |name| test.get(&format!("{PODS}/{name}")).await.ok()["status"].clone();
    let (ends, goes_on) = (status("ends").await, status("goes-on").await);
    assert_eq!(
        ends["containerStatuses"][0]["state"]["waiting"]["reason"],
        json!("CrashLoopBackOff")
    );
    assert_eq!(ends["containerStatuses"][0]["lastState"]["terminated"]["exitCode"], 2);
    assert_eq!(goes_on["containerStatuses"][0]["ready"], true);
}
