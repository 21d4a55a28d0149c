use std::collections::BTreeSet;

use api::config::Door;
use domain::{Settings, clusters::PortRules};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    recovery::{FREE_AGAIN, failed_tasks, undoing},
    support::{Client, Reply, Subscription, TestApp},
};

pub async fn leases(client: &Client) -> Vec<Value> {
    let document = "{ portLeases { host port purpose cluster { id } } }";
    let reply = client.send(document, json!({})).await.ok();
    reply["portLeases"].as_array().unwrap().clone()
}

pub fn made(reply: &Reply) -> Value {
    reply.ok()["createDevCluster"].clone()
}

pub fn with_ports(range: &str, share_node_ports: bool) -> Settings {
    let port_rules = PortRules { range: range.parse().unwrap(), share_node_ports };
    Settings { port_rules, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_development_cluster_is_made_waited_for_and_verified() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let input = json!({ "name": "dev", "provider": "KIND", "httpPort": 18090 });

    let created = made(&ada.create_dev_cluster(input).await);
    assert_eq!(created["cluster"]["status"], "PENDING");
    app.run_tasks().await;

    let shown = ada.cluster(created["cluster"]["id"].as_str().unwrap()).await;
    assert_eq!(shown["status"], "RUNNING");
    assert_eq!(shown["serverIp"], "172.28.70.170");
    assert_eq!(shown["provider"], "KIND");
    assert_eq!(
        shown["ports"],
        json!({ "node": 18000, "portForward": 18001, "http": 18090, "https": 18002 })
    );
    let workflow = created["workflow"]["id"].as_str().unwrap();
    let tasks = ada.workflow(workflow).await["tasks"].clone();
    let told: Vec<_> = tasks.as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    let forward = ["probe_ports", "create_cluster", "await_address", "verify_cluster"];
    assert_eq!(told[..4], forward.map(Value::from));
    assert_eq!(tasks[1]["log"]["text"], "slipway-dev created (simulated)\n");
    assert_eq!(app.dev.standing(), ["slipway-dev"]);
    assert_eq!(leases(&ada).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_for_one_cluster_queue_and_are_carried_out_in_order() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let id = ada.dev_cluster("dev").await;

    let stop = ada.command_cluster("stopCluster", &id).await.ok();
    let start = ada.command_cluster("startCluster", &id).await.ok();
    let again = ada.command_cluster("startCluster", &id).await;

    assert_eq!(stop["stopCluster"]["workflow"]["queuePosition"], 1);
    assert_eq!(start["startCluster"]["workflow"]["queuePosition"], 2);
    assert_eq!(again.code(), "INVALID_TRANSITION");
    app.run_tasks().await;
    let shown = ada.cluster(&id).await;
    assert_eq!(shown["status"], "RUNNING");
    let nodes = shown["workflows"]["nodes"].as_array().unwrap().clone();
    let kinds: Vec<_> = nodes.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["start_dev_cluster", "stop_dev_cluster", "create_dev_cluster"]);
    ada.command_cluster("stopCluster", &id).await.ok();
    app.run_tasks().await;
    let shown = ada.cluster(&id).await;
    assert_eq!((&shown["status"], &shown["serverIp"]), (&json!("STOPPED"), &Value::Null));
    assert_eq!(leases(&ada).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_cluster_gives_back_its_name_and_ports_and_a_new_one_gets_them_again() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    ada.dev_cluster("other").await;
    let id = ada.dev_cluster("dev").await;
    app.run_tasks().await;
    let ports = ada.cluster(&id).await["ports"].clone();

    ada.command_cluster("deleteCluster", &id).await.ok();
    app.run_tasks().await;

    let shown = ada.cluster(&id).await;
    assert_eq!(shown["status"], "DELETED");
    assert!(shown["deletedAt"].is_string());
    assert_eq!(leases(&ada).await.len(), 4);
    let listed = ada.send("{ clusters { nodes { name } } }", json!({})).await.ok();
    assert_eq!(listed["clusters"]["nodes"], json!([{ "name": "other" }]));
    let again = ada.dev_cluster("dev").await;
    assert_eq!(ada.cluster(&again).await["ports"], ports, "as before, from the store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_cancels_a_creation_under_way() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let id = ada.dev_cluster("dev").await;
    app.control_plane.run_next_task().await.unwrap();
    app.control_plane.run_next_task().await.unwrap();

    ada.command_cluster("deleteCluster", &id).await.ok();
    app.run_tasks().await;

    assert_eq!(ada.cluster(&id).await["status"], "DELETED");
    assert_eq!(app.dev.standing(), Vec::<String>::new());
    assert_eq!(leases(&ada).await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_fails_leaves_nothing() {
    for (name, task) in [
        ("nocreate", "create_cluster"),
        ("noaddress", "await_address"),
        ("noanswer", "verify_cluster"),
    ] {
        let app = TestApp::new().await;
        let ada = app.user("ada").await;
        let created =
            made(&ada.create_dev_cluster(json!({ "name": name, "provider": "K3D" })).await);
        let id = created["cluster"]["id"].as_str().unwrap();
        // It queues behind the creation, and falls with it.
        ada.command_cluster("stopCluster", id).await.ok();

        app.run_tasks().await;

        let workflow = created["workflow"]["id"].as_str().unwrap();
        assert_eq!(failed_tasks(&ada, workflow).await, [task]);
        assert!(undoing(&ada, workflow).await <= FREE_AGAIN, "{name}");
        let shown = ada.cluster(id).await;
        assert_eq!(shown["status"], "FAILED", "{name}");
        assert!(shown["failure"].is_string(), "{name}");
        assert_eq!(app.dev.standing(), Vec::<String>::new(), "{name}");
        assert_eq!(leases(&ada).await, Vec::<Value>::new(), "{name}");
        assert_eq!(shown["workflows"]["nodes"][0]["status"], "CANCELED", "{name}");
        assert_eq!(ada.command_cluster("startCluster", id).await.code(), "INVALID_TRANSITION");
        ada.dev_cluster(name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_that_other_programs_listen_on_are_passed_over() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    [18000, 18001, 18003].into_iter().for_each(|port| app.dev.occupy(port));

    let input = json!({ "name": "dev", "provider": "K3D", "httpPort": 18001 });
    let created = made(&ada.create_dev_cluster(input).await);

    assert_eq!(
        created["cluster"]["ports"],
        json!({ "node": 18004, "portForward": 18005, "http": 18002, "https": 18006 })
    );
    let change = json!([{ "purpose": "HTTP", "requested": 18001, "allocated": 18002 }]);
    assert_eq!(created["portsChanged"], change);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_lost_to_another_program_fails_the_creation_and_the_name_succeeds_then() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let id = ada.dev_cluster("dev").await;
    app.dev.occupy(18002);

    app.run_tasks().await;

    let shown = ada.cluster(&id).await;
    assert_eq!(shown["failure"], "another program listens on port 18002 of 127.0.0.1");
    let again = ada.dev_cluster("dev").await;
    app.run_tasks().await;
    assert_eq!(ada.cluster(&again).await["status"], "RUNNING");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_range_says_so_and_failures_leak_nothing_of_it() {
    let app = TestApp::with(with_ports("18000-18007", false)).await;
    let ada = app.user("ada").await;
    for round in 0..3 {
        let failing = ada.dev_cluster(&format!("nocreate-{round}")).await;
        app.run_tasks().await;
        assert_eq!(ada.cluster(&failing).await["status"], "FAILED");
    }
    ada.dev_cluster("one").await;
    ada.dev_cluster("two").await;

    let full = ada.create_dev_cluster(json!({ "name": "three", "provider": "K3D" })).await;

    assert_eq!(full.error(), "PORTS_EXHAUSTED: no port is free in 18000-18007");
    assert_eq!(full.extension("range"), "18000-18007");
    let ports: BTreeSet<_> = leases(&ada).await.iter().map(|it| it["port"].as_i64()).collect();
    assert_eq!(ports.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn node_ports_repeat_only_where_the_settings_say_so() {
    let input = |name: &str| json!({ "name": name, "provider": "K3D", "nodePort": 30080 });
    let app = TestApp::with(with_ports("18000-18099", true)).await;
    let ada = app.user("ada").await;

    for name in ["one", "two"] {
        let created = made(&ada.create_dev_cluster(input(name)).await);
        assert_eq!(created["cluster"]["ports"]["node"], 30080);
        assert_eq!(created["portsChanged"], json!([]));
    }

    assert!(leases(&ada).await.iter().all(|lease| lease["purpose"] != "NODE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_before_anything_is_written() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;

    for (input, field) in [
        (json!({ "name": "Dev", "provider": "K3D" }), "input.name"),
        (json!({ "name": "a".repeat(25), "provider": "K3D" }), "input.name"),
        (json!({ "name": "dev", "provider": "KIND", "subnet": "10.0.0.0/16" }), "input.subnet"),
        (json!({ "name": "dev", "provider": "K3D", "subnet": "$(id)" }), "input.subnet"),
        (json!({ "name": "dev", "provider": "K3D", "host": "0.0.0.0" }), "input.host"),
        (json!({ "name": "dev", "provider": "K3D", "httpPort": 80 }), "input.httpPort"),
        (json!({ "name": "dev", "provider": "K3D", "nodePort": 65536 }), "input.nodePort"),
    ] {
        let refused = ada.create_dev_cluster(input).await;
        assert_eq!((refused.code(), refused.extension("field")), ("INVALID", &json!(field)));
    }

    let listed = ada.send("{ clusters { totalCount } }", json!({})).await.ok();
    assert_eq!(listed["clusters"]["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn different_clusters_go_on_while_one_is_wedged_and_no_two_operations_of_one_overlap() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let wedged = ada.dev_cluster("wedged").await;
    let held = app.control_plane.claim_task().await.unwrap().unwrap();
    ada.command_cluster("stopCluster", &wedged).await.ok();
    let others = join_all((0..8).map(|n| {
        let ada = ada.clone();
        async move { ada.dev_cluster(&format!("free-{n}")).await }
    }))
    .await;

    for _ in 0..200 {
        if !app.control_plane.run_next_task().await.unwrap() {
            break;
        }
    }

    for id in &others {
        assert_eq!(ada.cluster(id).await["status"], "RUNNING");
    }
    let workflows = ada.cluster(&wedged).await["workflows"]["nodes"].clone();
    assert_eq!(workflows[0]["status"], "PENDING", "the stop waits for the creation");
    assert_eq!(workflows[1]["status"], "RUNNING");
    app.control_plane.run_claimed(held).await.unwrap();
    app.run_tasks().await;
    assert_eq!(ada.cluster(&wedged).await["status"], "STOPPED");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_cluster_are_followed_from_its_creation_to_its_end() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let before = ada.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    let id = ada.dev_cluster("dev").await;
    app.run_tasks().await;
    ada.command_cluster("deleteCluster", &id).await.ok();
    app.run_tasks().await;

    let document =
        "subscription($id: ID!, $after: Cursor) { clusterChanged(id: $id, after: $after) {
        cluster { name } event { type previousStatus } } }";
    let variables = json!({ "id": id, "after": before });
    let (address, _stop) = app.served(Door::default()).await;
    let token = ada.token.as_deref().unwrap();
    let mut changes = Subscription::start(&address, token, document, variables).await;

    let mut told = Vec::new();
    for _ in 0..4 {
        let change = changes.next().await["clusterChanged"].clone();
        assert_eq!(change["cluster"]["name"], "dev");
        told.push(change["event"]["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        told,
        ["CLUSTER_CREATED", "CLUSTER_STATUS_CHANGED", "CLUSTER_STATUS_CHANGED", "CLUSTER_DELETED"]
    );
}
