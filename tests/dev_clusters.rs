use std::{collections::BTreeSet, env};

use api::config::Door;
use domain::{Settings, clusters::PortRules};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, Reply, Subscription, TestApp};

/// How many want something at once.
const RACERS: usize = 16;

/// How often: `SLIPWAY_TEST_ROUNDS=200` makes it as many as the platform is held to.
fn rounds() -> usize {
    env::var("SLIPWAY_TEST_ROUNDS").ok().map_or(4, |rounds| rounds.parse().unwrap())
}

fn ports_of(cluster: &Value) -> Vec<i64> {
    let ports = cluster["ports"].as_object().unwrap();
    ports.values().map(|port| port.as_i64().unwrap()).collect()
}

async fn leases(client: &Client) -> Vec<Value> {
    let document = "{ portLeases { host port purpose cluster { id } } }";
    let reply = client.send(document, json!({})).await.ok();
    reply["portLeases"].as_array().unwrap().clone()
}

fn made(reply: &Reply) -> Value {
    reply.ok()["createDevCluster"].clone()
}

fn with_ports(range: &str, share_node_ports: bool) -> Settings {
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

        let failed =
            crate::recovery::failed_tasks(&ada, created["workflow"]["id"].as_str().unwrap());
        assert_eq!(failed.await, [task]);
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

/// Two processes on one database, and callers of either in turn.
async fn two_processes(settings: Settings) -> (TestApp, TestApp, Client, Vec<Client>) {
    let app = TestApp::with(settings).await;
    let other = app.beside().await;
    let ada = app.user("ada").await;
    let there = Client::new(other.router.clone(), ada.token.as_deref());
    let racers = (0..RACERS).map(|n| if n % 2 == 0 { ada.clone() } else { there.clone() });
    let racers = racers.collect();
    (app, other, ada, racers)
}

fn no_port_twice(created: &[Value]) {
    let ports: Vec<_> = created.iter().flat_map(|it| ports_of(&it["cluster"])).collect();
    let different: BTreeSet<_> = ports.iter().collect();
    assert_eq!(different.len(), ports.len(), "{ports:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_of_different_names_at_once_all_succeed_with_ports_of_their_own() {
    let (app, _other, ada, racers) = two_processes(with_ports("20000-59999", false)).await;

    for round in 0..rounds() {
        let inputs =
            (0..RACERS).map(|n| json!({ "name": format!("c{round}-{n}"), "provider": "K3D" }));
        let replies =
            join_all(racers.iter().zip(inputs).map(|(it, input)| it.create_dev_cluster(input)))
                .await;

        let created: Vec<_> = replies.iter().map(made).collect();
        no_port_twice(&created);
    }

    let ports: BTreeSet<_> = leases(&ada).await.iter().map(|it| it["port"].as_i64()).collect();
    assert_eq!(ports.len(), 4 * RACERS * rounds());
    drop(app);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_name_wanted_at_once_has_one_winner() {
    let (_app, _other, _, racers) = two_processes(with_ports("20000-59999", false)).await;

    for round in 0..rounds() {
        let input = json!({ "name": format!("same-{round}"), "provider": "K3D" });
        let replies = join_all(racers.iter().map(|it| it.create_dev_cluster(input.clone()))).await;

        let codes: Vec<_> = replies.iter().map(Reply::code).collect();
        let won = codes.iter().filter(|code| **code == "none").count();
        let refused = codes.iter().filter(|code| **code == "ALREADY_EXISTS").count();
        assert_eq!((won, refused), (1, RACERS - 1), "{codes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_port_wanted_at_once_has_one_holder_and_the_others_are_told_theirs() {
    let (_app, _other, _, racers) = two_processes(with_ports("20000-39999", false)).await;

    for round in 0..rounds() {
        // Beyond the range, so that nobody is given it who names none.
        let port = 40_000 + 100 * round;
        let inputs = (0..RACERS).map(
            |n| json!({ "name": format!("p{round}-{n}"), "provider": "K3D", "httpPort": port }),
        );
        let replies =
            join_all(racers.iter().zip(inputs).map(|(it, input)| it.create_dev_cluster(input)))
                .await;

        let created: Vec<_> = replies.iter().map(made).collect();
        no_port_twice(&created);
        let holders = created.iter().filter(|it| it["cluster"]["ports"]["http"] == port).count();
        let told = created.iter().filter(|it| it["portsChanged"][0]["requested"] == port).count();
        assert_eq!((holders, told), (1, RACERS - 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_consistent_while_clusters_are_made() {
    let (_app, _other, ada, racers) = two_processes(with_ports("20000-59999", false)).await;
    let document = "{ clusters(first: 100) { nodes { name ... on DevCluster {
        ports { node portForward http https } } } } portLeases { port } }";

    for round in 0..rounds() {
        let writes = join_all(racers.iter().enumerate().map(|(n, it)| {
            it.create_dev_cluster(json!({ "name": format!("r{round}-{n}"), "provider": "K3D" }))
        }));
        let reads = join_all((0..RACERS).map(|_| ada.send(document, json!({}))));

        let (written, read) = futures::join!(writes, reads);

        written.iter().for_each(|reply| drop(reply.ok()));
        for reply in read {
            let clusters = reply.ok()["clusters"]["nodes"].as_array().unwrap().clone();
            let ports: Vec<_> = clusters.iter().flat_map(ports_of).collect();
            let different: BTreeSet<_> = ports.iter().collect();
            assert_eq!(different.len(), 4 * clusters.len());
        }
    }
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
