use serde_json::{Value, json};

use crate::support::{TestCluster, condition};

const JOBS: &str = "/apis/batch/v1/namespaces/shop/jobs";

fn job(image: &str, more: &Value) -> Value {
    let mut job = json!({"spec": {"template": {"spec": {
        "restartPolicy": "Never",
        "containers": [{"name": "main", "image": image}],
    }}}});
    for (field, value) in more.as_object().into_iter().flatten() {
        job["spec"][field] = value.clone();
    }
    job
}

async fn status_after(content: Value, seconds: f64) -> (TestCluster, Value) {
    let test = TestCluster::with_namespace().await;
    test.make(JOBS, "once", content).await;
    test.advance(seconds);
    let job = test.get(&format!("{JOBS}/once")).await.ok();
    (test, job)
}

#[tokio::test]
async fn as_many_pods_as_are_wanted_succeed_a_few_at_a_time() {
    let wanted = json!({"completions": 5, "parallelism": 2});
    let (test, begun) = status_after(job("sum:1", &wanted), 1.0).await;

    test.advance(30.0);
    let done = test.get(&format!("{JOBS}/once")).await.ok();

    assert_eq!(begun["status"]["active"], 2);
    assert_eq!(done["status"]["succeeded"], 5);
    assert_eq!(done["status"]["active"], Value::Null);
    assert_eq!(condition(&done, "Complete"), ("True".into(), "CompletionsReached".into()));
    assert_eq!(test.pods().await.len(), 5);
}

#[tokio::test]
async fn failures_are_tried_again_until_the_limit() {
    let (test, failed) = status_after(job("fail:1", &json!({"backoffLimit": 2})), 60.0).await;

    let conditions = failed["status"]["conditions"].as_array().unwrap();

    assert_eq!(failed["status"]["failed"], 3);
    assert_eq!(conditions[0]["type"], "FailureTarget");
    assert_eq!(condition(&failed, "Failed"), ("True".into(), "BackoffLimitExceeded".into()));
    assert_eq!(test.pods().await.len(), 3);
}

#[tokio::test]
async fn a_deadline_ends_the_pods() {
    let wanted = json!({"activeDeadlineSeconds": 5});

    let (test, late) = status_after(job("forever:1", &wanted), 20.0).await;

    assert_eq!(condition(&late, "Failed"), ("True".into(), "DeadlineExceeded".into()));
    assert_eq!(test.pods().await.len(), 0);
}

#[tokio::test]
async fn a_suspended_job_has_no_pods_until_it_is_resumed() {
    let (test, suspended) = status_after(job("sum:1", &json!({"suspend": true})), 10.0).await;

    let resume = json!({"spec": {"suspend": false}});
    test.merge(&format!("{JOBS}/once"), resume).await.ok();
    test.advance(10.0);
    let done = test.get(&format!("{JOBS}/once")).await.ok();

    assert_eq!(condition(&suspended, "Suspended").0, "True");
    assert_eq!(suspended["status"]["startTime"], Value::Null);
    assert_eq!(condition(&done, "Suspended").0, "False");
    assert_eq!(condition(&done, "Complete").0, "True");
}

#[tokio::test]
async fn a_finished_job_goes_after_its_time() {
    let (test, done) =
        status_after(job("sum:1", &json!({"ttlSecondsAfterFinished": 60})), 10.0).await;

    test.advance(60.0);

    assert_eq!(condition(&done, "Complete").0, "True");
    assert_eq!(test.get(&format!("{JOBS}/once")).await.refusal().0, 404);
    assert_eq!(test.pods().await.len(), 0);
}

#[tokio::test]
async fn pods_end_with_their_job_or_outlive_it() {
    let test = TestCluster::with_namespace().await;
    for name in ["gone", "left"] {
        test.make(JOBS, name, job("forever:1", &json!({}))).await;
    }
    test.advance(5.0);

    test.delete(&format!("{JOBS}/gone?propagationPolicy=Background")).await.ok();
    test.delete(&format!("{JOBS}/left?propagationPolicy=Orphan")).await.ok();
    test.advance(5.0);
    let pods = test.pods().await;

    assert_eq!(pods.len(), 1);
    assert_eq!(pods[0]["metadata"]["labels"]["job-name"], "left");
    assert_eq!(pods[0]["metadata"]["ownerReferences"], Value::Null);
    assert_eq!(pods[0]["metadata"]["finalizers"], Value::Null);
}

#[tokio::test]
async fn a_namespace_goes_with_its_jobs_and_claims() {
    let test = TestCluster::with_namespace().await;
    let claim = json!({"spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
    }});
    test.make("/api/v1/namespaces/shop/persistentvolumeclaims", "disk", claim).await;
    let mut content = job("forever:1", &json!({}));
    let spec = &mut content["spec"]["template"]["spec"];
    spec["volumes"] = json!([{"name": "d", "persistentVolumeClaim": {"claimName": "disk"}}]);
    test.make(JOBS, "once", content).await;
    test.advance(5.0);

    test.delete("/api/v1/namespaces/shop").await.ok();
    test.advance(10.0);

    assert_eq!(test.get("/api/v1/namespaces/shop").await.refusal().0, 404);
}
