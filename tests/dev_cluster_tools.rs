//! The program itself with the command lines that make development clusters.

use std::{
    env,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Database, Process, Tools, text};

const FORMAT: &str =
    "{{json .State.Running}} {{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";

/// A program that uses these tools, and an account there.
struct Machine {
    process: Process,
    token: String,
    tools: Tools,
}

impl Machine {
    async fn new(tools: Tools, ports: &str) -> Option<Self> {
        let database = Database::new().await;
        let settings =
            [("SLIPWAY_DEV_CLUSTERS", "cli"), ("SLIPWAY_DEV_PORTS", ports), ("PATH", tools.path())];
        let process = Process::start_with(&database, &settings)?;
        let token = crate::processes::register(&process, "ada");
        Some(Self { process, token, tools })
    }

    fn send(&self, document: &str, variables: &Value) -> Value {
        self.process.send(Some(&self.token), document, variables)
    }

    fn try_create(&self, input: &Value) -> Value {
        let document = "mutation($input: CreateDevClusterInput!) {
            createDevCluster(input: $input) { cluster { id } } }";
        self.send(document, &json!({ "input": input }))
    }

    fn command(&self, mutation: &str, cluster: &str, aim: &str) -> Value {
        let document =
            format!("mutation($id: ID!) {{ {mutation}(id: $id) {{ cluster {{ id }} }} }}");
        let done = self.send(&document, &json!({ "id": cluster }));
        assert!(done["errors"].is_null(), "{done}");
        self.wait(cluster, aim)
    }

    fn wait(&self, cluster: &str, aim: &str) -> Value {
        let document = "query($id: ID!) { node(id: $id) { ... on DevCluster {
            status failure serverIp ports { node portForward http https }
            workflows(first: 1) { nodes { status tasks { name log { text } } } } } } }";
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let shown = self.send(document, &json!({ "id": cluster }))["data"]["node"].clone();
            let settled = shown["workflows"]["nodes"][0]["status"] == "SUCCESS";
            if shown["status"] == aim && settled {
                return shown;
            }
            assert!(Instant::now() < patience, "never {aim}: {shown}");
            sleep(Duration::from_millis(20));
        }
    }

    /// The whole life of a cluster; answers with its ports and with what its creation logged.
    fn live(&self, input: &Value) -> (Value, String) {
        let made = self.try_create(input);
        let id = text(&made["data"]["createDevCluster"]["cluster"]["id"]);
        let running = self.wait(&id, "RUNNING");
        assert_eq!(running["serverIp"], "172.18.0.2");
        assert_eq!(self.tools.standing().len(), 1);
        assert_eq!(self.command("stopCluster", &id, "STOPPED")["serverIp"], Value::Null);
        self.command("startCluster", &id, "RUNNING");
        self.command("deleteCluster", &id, "DELETED");
        assert_eq!(self.tools.standing(), Vec::<String>::new());
        let tasks = running["workflows"]["nodes"][0]["tasks"].as_array().unwrap().clone();
        let created = tasks.iter().find(|task| task["name"] == "create_cluster").unwrap();
        (running["ports"].clone(), text(&created["log"]["text"]))
    }

    /// How the tools were called, but for looks at the container.
    fn calls(&self) -> Vec<String> {
        let looks = |call: &String| {
            call.starts_with("docker|container|ls|")
                || call.starts_with("docker|container|inspect|")
        };
        self.tools.calls().into_iter().filter(|call| !looks(call)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn k3d_makes_stops_starts_and_deletes_a_cluster() {
    let Some(machine) = Machine::new(Tools::new(), "21000-21099").await else {
        return;
    };
    let input = json!({ "name": "dev", "provider": "K3D", "subnet": "172.28.0.0/16" });

    let (ports, log) = machine.live(&input);

    let port = |name: &str| ports[name].as_i64().unwrap();
    assert_eq!(
        machine.calls(),
        [
            "k3d|version",
            "docker|--version",
            &format!(
                "k3d|cluster|create|slipway-dev|--wait|--timeout|240s|\
                 --kubeconfig-update-default=false|--api-port|127.0.0.1:{}|\
                 --port|127.0.0.1:{}:30080@server:0|--port|127.0.0.1:{}:80@loadbalancer|\
                 --port|127.0.0.1:{}:443@loadbalancer|--subnet|172.28.0.0/16",
                port("portForward"),
                port("node"),
                port("http"),
                port("https")
            ),
            "docker|exec|k3d-slipway-dev-server-0|kubectl|get|--raw|/readyz",
            "k3d|cluster|stop|slipway-dev",
            "k3d|cluster|start|slipway-dev",
            "docker|exec|k3d-slipway-dev-server-0|kubectl|get|--raw|/readyz",
            "k3d|cluster|delete|slipway-dev",
        ]
    );
    let calls = machine.tools.calls();
    let list = "docker|container|ls|--all|--quiet|--filter|name=^/?k3d-slipway-dev-server-0$";
    assert!(calls.iter().any(|call| call == list), "{calls:?}");
    let inspect = format!("docker|container|inspect|--format|{FORMAT}|k3d-slipway-dev-server-0");
    assert!(calls.contains(&inspect), "{calls:?}");
    assert!(log.contains("$ k3d cluster create slipway-dev --wait"), "{log}");
    assert!(log.contains("cluster 'slipway-dev' created successfully"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kind_makes_stops_starts_and_deletes_a_cluster_and_keeps_no_kubeconfig() {
    let Some(machine) = Machine::new(Tools::new(), "21100-21199").await else {
        return;
    };
    let file = env::temp_dir().join("slipway-beside.kubeconfig");

    let (ports, log) = machine.live(&json!({ "name": "beside", "provider": "KIND" }));

    let (file, there) = (file.to_str().unwrap().to_owned(), file.exists());
    assert!(!there, "it opens the cluster");
    let ready = "docker|exec|slipway-beside-control-plane|kubectl|get|--raw|/readyz|\
                 --kubeconfig|/etc/kubernetes/admin.conf";
    assert_eq!(
        machine.calls(),
        [
            "kind|version",
            "docker|--version",
            &format!(
                "kind|create|cluster|--name|slipway-beside|--config|-|--wait|240s|--kubeconfig|{file}"
            ),
            ready,
            "docker|container|stop|slipway-beside-control-plane",
            "docker|container|start|slipway-beside-control-plane",
            ready,
            &format!("kind|delete|cluster|--name|slipway-beside|--kubeconfig|{file}"),
        ]
    );
    let config: Value = serde_json::from_str(&machine.tools.configs()[0]).unwrap();
    assert_eq!(config["networking"]["apiServerPort"], ports["portForward"]);
    let mapped = config["nodes"][0]["extraPortMappings"].as_array().unwrap();
    let mapped: Vec<_> = mapped.iter().map(|it| it["hostPort"].clone()).collect();
    assert_eq!(mapped, [ports["node"].clone(), ports["http"].clone(), ports["https"].clone()]);
    assert!(log.contains("Creating cluster \"slipway-beside\""), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_is_missing_is_told_before_anything_is_written() {
    for (missing, provider) in [("k3d", "K3D"), ("kind", "KIND"), ("docker", "KIND")] {
        let Some(machine) = Machine::new(Tools::without(missing), "21200-21299").await else {
            return;
        };

        let refused = machine.try_create(&json!({ "name": "dev", "provider": provider }));

        let error = &refused["errors"][0];
        assert_eq!(error["extensions"]["code"], "UNAVAILABLE", "{refused}");
        let message = text(&error["message"]);
        assert!(message.contains(&format!("{missing}, to be installed,")), "{message}");
        let left = machine.send("{ clusters { totalCount } portLeases { port } }", &json!({}));
        let nothing = json!({ "clusters": { "totalCount": 0 }, "portLeases": [] });
        assert_eq!(left["data"], nothing, "{left}");
    }
}
