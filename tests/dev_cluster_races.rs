//! Many who want development clusters at once, from two processes: names, ports, and the end of the
//! range.

use std::{
    collections::BTreeSet,
    env,
    thread::sleep,
    time::{Duration, Instant},
};

use domain::Settings;
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{
    dev_clusters::{leases, made, with_ports},
    support::{Client, Database, Process, Reply, TestApp, text},
};

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

/// Two processes on one database, and callers of either in turn.
async fn two_processes(settings: Settings) -> (TestApp, TestApp, Client, Vec<Client>) {
    let app = TestApp::with(settings.clone()).await;
    let other = app.beside_with(settings).await;
    let ada = app.user("ada").await;
    let there = Client::new(other.routes.clone(), ada.token.as_deref());
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
async fn a_range_is_given_out_to_its_end_and_comes_free_of_failures_and_deletions() {
    // For ten clusters.
    let (app, _other, ada, racers) = two_processes(with_ports("20000-20039", false)).await;

    for round in 0..rounds() {
        let name = |n: usize| match n % 3 {
            0 => format!("nocreate-{round}-{n}"),
            _ => format!("e{round}-{n}"),
        };
        let inputs = (0..RACERS).map(|n| json!({ "name": name(n), "provider": "K3D" }));
        let replies =
            join_all(racers.iter().zip(inputs).map(|(it, input)| it.create_dev_cluster(input)))
                .await;

        let created: Vec<_> =
            replies.iter().filter(|reply| reply.code() == "none").map(made).collect();
        no_port_twice(&created);
        let refused = replies.iter().filter(|reply| reply.code() == "PORTS_EXHAUSTED");
        assert_eq!((created.len(), refused.count()), (10, RACERS - 10));
        app.run_tasks().await;
        for cluster in &created {
            let id = cluster["cluster"]["id"].as_str().unwrap();
            ada.command_cluster("deleteCluster", id).await.ok();
        }
        app.run_tasks().await;
        assert_eq!(leases(&ada).await, Vec::<Value>::new());
    }
}

/// Half of the racers want one name, the others one port, of the program itself: of two processes
/// on PostgreSQL, which carry the work out meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_gives_a_name_and_a_port_to_one_while_it_works() {
    let database = Database::new().await;
    let settings = [("SLIPWAY_DEV_PORTS", "20000-39999"), ("SLIPWAY_LIMIT_BUDGET", "1000000000")];
    let Some(first) = Process::start_with(&database, &settings) else {
        return;
    };
    let second = database.is_postgres().then(|| Process::start_with(&database, &settings).unwrap());
    let addresses = [&first, second.as_ref().unwrap_or(&first)].map(|it| it.address.clone());
    let token = long_lived(&first);

    for round in 0..rounds() {
        let racers = (0..RACERS).map(|n| {
            let (address, token) = (addresses[n % 2].clone(), token.clone());
            spawn_blocking(move || want(&address, &token, round, n))
        });
        let answers: Vec<Value> = join_all(racers).await.into_iter().map(Result::unwrap).collect();

        let (one_name, one_port) = answers.split_at(RACERS / 2);
        let codes: Vec<_> =
            one_name.iter().map(|it| text(&it["errors"][0]["extensions"]["code"])).collect();
        assert_eq!(codes.iter().filter(|code| code.is_empty()).count(), 1, "{codes:?}");
        assert_eq!(
            codes.iter().filter(|code| *code == "ALREADY_EXISTS").count(),
            RACERS / 2 - 1,
            "{codes:?}"
        );
        let made: Vec<_> =
            one_port.iter().map(|it| it["data"]["createDevCluster"].clone()).collect();
        no_port_twice(&made);
        let told = made.iter().filter(|it| it["portsChanged"] != json!([])).count();
        assert_eq!(told, RACERS / 2 - 1, "{made:?}");
    }

    let expected = rounds() * (RACERS / 2 + 1);
    assert_eq!(settled(&first, &token), expected);
    let leases = first.send(Some(&token), "{ portLeases { port } }", &json!({}));
    let leases = leases["data"]["portLeases"].as_array().unwrap().clone();
    let ports: BTreeSet<_> = leases.iter().map(|lease| lease["port"].as_i64()).collect();
    assert_eq!((leases.len(), ports.len()), (4 * expected, 4 * expected));
}

/// A token that outlives the race.
fn long_lived(process: &Process) -> String {
    let token = crate::processes::register(process, "ada");
    let document =
        "mutation { createApiToken(input: { name: \"race\", scopes: [\"read\", \"write\"] }) {
        secret } }";
    text(&process.send(Some(&token), document, &json!({}))["data"]["createApiToken"]["secret"])
}

/// The first half wants a name, the second a port.
fn want(address: &str, token: &str, round: usize, n: usize) -> Value {
    let input = match n < RACERS / 2 {
        true => json!({ "name": format!("same-{round}"), "provider": "K3D" }),
        false => json!({
            "name": format!("p{round}-{n}"), "provider": "KIND", "httpPort": 40_000 + 100 * round,
        }),
    };
    let document = "mutation($input: CreateDevClusterInput!) { createDevCluster(input: $input) {
        cluster { ports { node portForward http https } }
        portsChanged { requested allocated } } }";
    Process::try_ask(address, Some(token), document, &json!({ "input": input })).unwrap()
}

/// How many clusters run, once no other is left.
fn settled(process: &Process, token: &str) -> usize {
    let document = "{ all: clusters { totalCount }
        running: clusters(filter: { status: [RUNNING] }) { totalCount } }";
    let patience = Instant::now() + Duration::from_secs(300);
    loop {
        let shown = process.send(Some(token), document, &json!({}))["data"].clone();
        let [all, running] = ["all", "running"].map(|it| shown[it]["totalCount"].as_u64());
        if all == running {
            return usize::try_from(running.unwrap()).unwrap();
        }
        assert!(Instant::now() < patience, "clusters are stuck: {shown}");
        sleep(Duration::from_millis(100));
    }
}
