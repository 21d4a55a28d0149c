use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_runs_stops_starts_restarts_and_is_deleted() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, instance, _) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    app.observe().await;
    let running = ada.instance(&instance).await;
    assert_eq!(running["status"], "RUNNING");
    assert_eq!(running["whyNotRunning"], json!(null));
    assert_eq!(running["runtime"]["readyReplicas"], 1);
    assert_eq!(running["runtime"]["stale"], false);
    assert_eq!(running["pods"][0]["ready"], true);
    assert!(running["network"]["endpointUrl"].as_str().unwrap().ends_with(".slipway.localhost"));

    let steps = [
        ("stopInstance", "STOPPING", "STOPPED", 0),
        ("startInstance", "STARTING", "RUNNING", 1),
        ("restartInstance", "RESTARTING", "RUNNING", 1),
    ];
    let mut pod = running["pods"][0]["name"].clone();
    for (command, under_way, then, pods) in steps {
        let reply = ada.command(command, &instance).await.ok();
        assert_eq!(reply[command]["instance"]["status"], under_way);
        app.run_tasks().await;
        app.advance(std::time::Duration::from_secs(30));
        app.observe().await;
        let shown = ada.instance(&instance).await;
        assert_eq!(shown["status"], then, "{command}");
        assert_eq!(shown["pods"].as_array().unwrap().len(), pods, "{command}");
        assert_ne!(shown["pods"][0]["name"], pod, "{command} replaces the pods");
        pod = shown["pods"][0]["name"].clone();
    }
    ada.command("deleteInstance", &instance).await.ok();
    app.run_tasks().await;
    app.observe().await;

    let gone = ada.instance(&instance).await;
    assert_eq!(gone["status"], "DELETED");
    assert_eq!((&gone["network"], &gone["pods"]), (&json!(null), &json!([])));
    assert_eq!(gone["workflows"]["totalCount"], 5);
    assert_eq!(app.standing().await, Vec::<String>::new());
    let listed = ada.send("{ instances { totalCount } }", json!({})).await;
    assert_eq!(listed.ok()["instances"]["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_an_instance_tells_what_became_of_it_by_type_and_page() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("crash:1").await;
    let (_, instance, _) = ada.buy(&product, "web").await;
    for _ in 0..5 {
        while app.control_plane.run_next_task().await.unwrap() {}
        app.advance(std::time::Duration::from_secs(20));
        app.observe().await;
    }
    app.run_tasks().await;
    let document = "query($id: ID!, $types: [LogType!], $first: Int, $after: String) {
        instance(id: $id) { logs(types: $types, first: $first, after: $after) {
            totalCount pageInfo { hasNextPage endCursor } nodes { type message data }
        } }
    }";
    let logs = async |variables: Value| {
        let mut variables = variables;
        variables["id"] = json!(instance);
        ada.send(document, variables).await.ok()["instance"]["logs"].clone()
    };

    let all = logs(json!({ "first": 100 })).await;

    let lines: Vec<String> = all["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| format!("{} {}", line["type"].as_str().unwrap(), line["message"]))
        .collect();
    assert_eq!(lines[0], "INFO \"web was created\"");
    assert!(lines.iter().any(|line| line.starts_with("WARNING \"CrashLoopBackOff")), "{lines:?}");
    assert!(lines.contains(&"STATE_CHANGE \"CREATING -> FAILED\"".to_owned()), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("ERROR "), "{lines:?}");
    let changes = logs(json!({ "types": ["STATE_CHANGE"] })).await;
    assert_eq!(changes["nodes"][0]["data"], json!({ "from": "CREATING", "to": "FAILED" }));
    assert_eq!(changes["totalCount"], 1);
    let first = logs(json!({ "first": 1 })).await;
    assert_eq!(first["totalCount"], all["totalCount"]);
    let rest = logs(json!({ "first": 100, "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!(rest["nodes"].as_array().unwrap()[..], all["nodes"].as_array().unwrap()[1..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_in_transition_refuses_commands_but_not_its_deletion() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (order, instance, provision) = ada.buy(&product, "web").await;

    for command in ["startInstance", "stopInstance", "restartInstance"] {
        let reply = ada.command(command, &instance).await;
        assert_eq!(reply.code(), "INVALID_TRANSITION", "{command}");
        assert_eq!(reply.extension("from"), "CREATING");
    }
    app.control_plane.run_next_task().await.unwrap();
    let deleted = ada.command("deleteInstance", &instance).await.ok();
    let again = ada.command("deleteInstance", &instance).await.ok();
    app.run_tasks().await;

    assert_eq!(deleted["deleteInstance"]["workflow"]["queuePosition"], 1);
    assert_eq!(
        again["deleteInstance"]["workflow"]["id"],
        deleted["deleteInstance"]["workflow"]["id"]
    );
    assert_eq!(ada.workflow(&provision).await["status"], "CANCELED");
    assert_eq!(ada.instance(&instance).await["status"], "DELETED");
    let order = ada.order(&order).await;
    assert_eq!((&order["status"], &order["refundDue"]), (&json!("CANCELLED"), &json!(true)));
    assert_eq!(app.standing().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_fails_says_why_and_leaves_nothing() {
    for (image, code, reason) in [
        ("crash:1", "CRASH_LOOP", "CrashLoopBackOff"),
        ("nopull:1", "IMAGE_PULL", "ImagePullBackOff"),
        ("oom:1", "OUT_OF_MEMORY", "OOMKilled"),
    ] {
        let app = TestApp::new().await;
        let (root, ada) = (app.admin().await, app.user("ada").await);
        let product = root.create_product(image).await;
        let (order, instance, workflow) = ada.buy(&product, "web").await;
        while app.control_plane.run_next_task().await.unwrap() {}
        app.advance(std::time::Duration::from_secs(60));
        app.observe().await;

        let why = ada.instance(&instance).await["whyNotRunning"].clone();
        app.run_tasks().await;

        assert_eq!(why["code"], code, "{image}: {why}");
        let workflow = ada.workflow(&workflow).await;
        assert_eq!(workflow["status"], "FAILED");
        let tasks = workflow["tasks"].as_array().unwrap();
        let rollout = tasks.iter().find(|task| task["name"] == "await_rollout").unwrap();
        let error = rollout["error"].as_str().unwrap();
        assert!(error.starts_with("deadline of 5m passed: "), "{error}");
        assert!(error.contains(reason), "{error}");
        let order = ada.order(&order).await;
        assert_eq!((&order["status"], &order["refundDue"]), (&json!("CANCELLED"), &json!(true)));
        let failed = ada.instance(&instance).await;
        assert_eq!(failed["status"], "FAILED");
        assert_eq!(failed["whyNotRunning"]["code"], code, "it is still known afterwards");
        assert_eq!(app.standing().await, Vec::<String>::new());
        let start = ada.command("startInstance", &instance).await;
        assert_eq!(start.code(), "INVALID_TRANSITION", "nothing is left that could start");
        ada.place_order(&product, "web").await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_vanishes_from_the_cluster_is_put_back() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, instance, _) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    app.observe().await;
    let before = app.standing().await;

    let client = kube::Client::new(app.cluster.router(), "default");
    let path = "/apis/apps/v1/namespaces/slipway-personal-2--instances/deployments/web";
    let request = axum::http::Request::delete(path).body(Vec::new()).unwrap();
    client.request::<serde_json::Value>(request).await.unwrap();
    app.advance(std::time::Duration::from_secs(60));
    assert_ne!(app.standing().await.len(), before.len());
    app.observe().await;
    app.run_tasks().await;
    app.observe().await;

    let kinds = |names: &[String]| -> Vec<String> {
        names.iter().map(|name| name.split(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&app.standing().await), kinds(&before));
    let shown = ada.instance(&instance).await;
    assert_eq!(
        (&shown["status"], &shown["runtime"]["readyReplicas"]),
        (&json!("RUNNING"), &json!(1))
    );
    assert_eq!(shown["workflows"]["nodes"][0]["kind"], "reconcile_instance");
}

const UPDATE: &str = "mutation($id: ID!, $input: UpdateInstanceInput!) {
    updateInstance(id: $id, input: $input) { instance { status spec { cpuMillis image } }
        workflow { id kind } } }";

#[tokio::test(flavor = "multi_thread")]
async fn update_instance_replaces_the_pods_and_keeps_what_is_absent() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, instance, _) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    let input = json!({ "image": "web:2" });

    let reply = ada.send(UPDATE, json!({ "id": instance, "input": input })).await.ok();
    app.run_tasks().await;

    let updated = &reply["updateInstance"];
    assert_eq!(updated["instance"]["status"], "UPDATING");
    assert_eq!(updated["instance"]["spec"], json!({ "cpuMillis": 250, "image": "web:2" }));
    assert_eq!(updated["workflow"]["kind"], "update_instance");
    assert_eq!(ada.instance(&instance).await["status"], "RUNNING");
    let deployment =
        app.object("/apis/apps/v1/namespaces/slipway-personal-2--instances/deployments/web").await;
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], "web:2");
}

#[tokio::test(flavor = "multi_thread")]
async fn update_instance_waits_for_the_start_of_a_stopped_one() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, instance, _) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    ada.command("stopInstance", &instance).await.ok();
    app.run_tasks().await;
    let input = json!({ "cpuMillis": 500 });

    let reply = ada.send(UPDATE, json!({ "id": instance, "input": input })).await.ok();
    ada.command("startInstance", &instance).await.ok();
    app.run_tasks().await;

    assert_eq!(reply["updateInstance"]["instance"]["status"], "STOPPED");
    assert_eq!(reply["updateInstance"]["workflow"], json!(null));
    let deployment =
        app.object("/apis/apps/v1/namespaces/slipway-personal-2--instances/deployments/web").await;
    let requests =
        &deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"];
    assert_eq!(requests["cpu"], "500m");
    let faulty = json!({ "id": instance, "input": { "memoryMib": 0 } });
    let refused = ada.send(UPDATE, faulty).await;
    assert_eq!(
        (refused.code(), refused.extension("field")),
        ("INVALID", &json!("input.memoryMib"))
    );
}
