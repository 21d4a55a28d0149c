use std::net::SocketAddrV4;

use async_trait::async_trait;
use domain::{
    Error, Result,
    clusters::{DevClusterProvider, DevMachine, DevProvider, DevState, PortPurpose, Said},
};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

use super::command::Command;

/// Drives `k3d`, `kind` and `docker`, which have to be installed where Slipway runs.
pub struct CliProvider;

/// The NodePort inside the cluster that the node port of the host leads to.
const NODE_PORT: u16 = 30080;
const CREATE_LIMIT: &str = "240s";

#[async_trait]
impl DevProvider for CliProvider {
    async fn check(&self, kind: DevClusterProvider) -> Result<()> {
        Command::new(program(kind), ["version"]).output().await?;
        Command::new("docker", ["--version"]).output().await.map(drop)
    }

    async fn is_port_free(&self, host: &str, port: u16) -> Result<bool> {
        let Ok(address) = host.parse().map(|host| SocketAddrV4::new(host, port)) else {
            return Ok(false);
        };
        // It does not listen: two who look at the same time do not take each other for a program.
        let socket = TcpSocket::new_v4().map_err(Error::internal_from)?;
        socket.set_reuseaddr(true).map_err(Error::internal_from)?;
        Ok(socket.bind(address.into()).is_ok())
    }

    async fn create(&self, machine: &DevMachine) -> Result<Said> {
        let mut lines = Vec::new();
        if self.look(machine).await?.is_some() {
            lines.push("what an earlier try has left is removed".to_owned());
            lines.append(&mut self.delete(machine).await?.lines);
        }
        let Said { lines: mut said, failure } = match machine.provider {
            DevClusterProvider::K3d => Command::new("k3d", k3d(machine)).say().await?,
            DevClusterProvider::Kind => {
                let config = kind_config(machine).to_string();
                let said = Command::new("kind", kind(machine)).reading(&config).say().await?;
                // Nobody asked for it, and it opens the cluster.
                let _ = tokio::fs::remove_file(kubeconfig(machine)).await;
                said
            }
        };
        lines.append(&mut said);
        Ok(Said { lines, failure })
    }

    async fn start(&self, machine: &DevMachine) -> Result<Said> {
        power(machine, "start").say().await
    }

    async fn stop(&self, machine: &DevMachine) -> Result<Said> {
        power(machine, "stop").say().await
    }

    async fn delete(&self, machine: &DevMachine) -> Result<Said> {
        let name = machine.name.as_str();
        match machine.provider {
            DevClusterProvider::K3d => Command::new("k3d", ["cluster", "delete", name]),
            DevClusterProvider::Kind => {
                let file = kubeconfig(machine);
                Command::new("kind", ["delete", "cluster", "--name", name, "--kubeconfig", &file])
            }
        }
        .say()
        .await
    }

    async fn look(&self, machine: &DevMachine) -> Result<Option<DevState>> {
        const FORMAT: &str = "{{json .State.Running}} \
                              {{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
        let filter = format!("name=^/?{}$", server(machine));
        let list = ["container", "ls", "--all", "--quiet", "--filter", &filter];
        let found = Command::new("docker", list).output().await?;
        let Some(id) = found.stdout.lines().next() else { return Ok(None) };
        let inspect = ["container", "inspect", "--format", FORMAT, id];
        let shown = Command::new("docker", inspect).output().await?;
        let mut words = shown.stdout.split_whitespace();
        let running = words.next() == Some("true");
        Ok(Some(DevState { running, server_ip: words.next().map(str::to_owned) }))
    }

    async fn trouble(&self, machine: &DevMachine) -> Result<Option<String>> {
        let server = server(machine);
        let ask = ["exec", &server, "kubectl", "get", "--raw", "/readyz"];
        // kind's node has its kubeconfig where kubectl does not look by itself.
        let known = ["--kubeconfig", "/etc/kubernetes/admin.conf"];
        let known = match machine.provider {
            DevClusterProvider::K3d => &[][..],
            DevClusterProvider::Kind => &known,
        };
        let asked = ask.iter().chain(known).copied();
        let answer = Command::new("docker", asked).output().await?;
        let why = || answer.stderr.lines().last().unwrap_or("no reason").to_owned();
        Ok((!answer.success).then(|| format!("the API server does not answer: {}", why())))
    }
}

fn program(kind: DevClusterProvider) -> &'static str {
    match kind {
        DevClusterProvider::K3d => "k3d",
        DevClusterProvider::Kind => "kind",
    }
}

/// The container of the first node.
fn server(machine: &DevMachine) -> String {
    match machine.provider {
        DevClusterProvider::K3d => format!("k3d-{}-server-0", machine.name),
        DevClusterProvider::Kind => format!("{}-control-plane", machine.name),
    }
}

fn power(machine: &DevMachine, verb: &str) -> Command<'static> {
    match machine.provider {
        DevClusterProvider::K3d => Command::new("k3d", ["cluster", verb, &machine.name]),
        DevClusterProvider::Kind => Command::new("docker", ["container", verb, &server(machine)]),
    }
}

/// The ports of the host, each with the port inside that it leads to.
fn mappings(machine: &DevMachine) -> impl Iterator<Item = (u16, u16)> {
    let inside = |purpose: &PortPurpose| match purpose {
        PortPurpose::Node => Some(NODE_PORT),
        PortPurpose::Http => Some(80),
        PortPurpose::Https => Some(443),
        // Where the API server is reached; the tools have an option for it.
        PortPurpose::PortForward => None,
    };
    machine
        .leased
        .iter()
        .filter_map(move |purpose| Some((machine.ports.get(*purpose), inside(purpose)?)))
}

fn k3d(machine: &DevMachine) -> Vec<String> {
    let DevMachine { name, host, ports, subnet, .. } = machine;
    let mut arguments = ["cluster", "create", name, "--wait", "--timeout", CREATE_LIMIT]
        .map(str::to_owned)
        .to_vec();
    arguments.push("--kubeconfig-update-default=false".to_owned());
    arguments.extend(["--api-port".to_owned(), format!("{host}:{}", ports.port_forward)]);
    for (outside, inside) in mappings(machine) {
        let node = if inside == NODE_PORT { "server:0" } else { "loadbalancer" };
        arguments.extend(["--port".to_owned(), format!("{host}:{outside}:{inside}@{node}")]);
    }
    if let Some(subnet) = subnet {
        arguments.extend(["--subnet".to_owned(), subnet.clone()]);
    }
    arguments
}

fn kind(machine: &DevMachine) -> Vec<String> {
    let arguments = ["create", "cluster", "--name", &machine.name, "--config", "-"];
    let file = kubeconfig(machine);
    let rest = ["--wait", CREATE_LIMIT, "--kubeconfig", &file];
    arguments.iter().chain(&rest).map(|it| (*it).to_owned()).collect()
}

/// Where kind may leave its kubeconfig, in the place of somebody's own.
fn kubeconfig(machine: &DevMachine) -> String {
    std::env::temp_dir().join(format!("{}.kubeconfig", machine.name)).display().to_string()
}

/// JSON is YAML.
fn kind_config(machine: &DevMachine) -> Value {
    let mapping = |(outside, inside)| {
        json!({
            "hostPort": outside, "containerPort": inside, "listenAddress": machine.host,
        })
    };
    json!({
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {
            "apiServerAddress": machine.host, "apiServerPort": machine.ports.port_forward,
        },
        "nodes": [{
            "role": "control-plane",
            "extraPortMappings": mappings(machine).map(mapping).collect::<Vec<_>>(),
        }],
    })
}

#[cfg(test)]
mod tests {
    use domain::{clusters::Ports, ids::ClusterId};
    use tokio::net::TcpListener;

    use super::*;

    fn machine(provider: DevClusterProvider) -> DevMachine {
        DevMachine {
            cluster_id: ClusterId::fresh(),
            name: "slipway-dev".to_owned(),
            provider,
            host: "127.0.0.1".to_owned(),
            subnet: None,
            ports: Ports { node: 18000, port_forward: 18001, http: 18002, https: 18003 },
            leased: PortPurpose::ALL.to_vec(),
        }
    }

    #[tokio::test]
    async fn a_port_is_free_where_nobody_listens() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = taken.local_addr().expect("it is bound").port();
        let look = || CliProvider.is_port_free("127.0.0.1", port);

        assert!(!look().await.expect("it can be seen"));
        drop(taken);
        let other = TcpSocket::new_v4().expect("it is made");
        other.set_reuseaddr(true).expect("it is set");
        other.bind(([127, 0, 0, 1], port).into()).expect("it is free");
        assert!(look().await.expect("it can be seen"), "somebody else only looks");
    }

    #[test]
    fn k3d_gets_the_ports_of_the_host() {
        let subnet = Some("172.28.0.0/16".to_owned());
        let machine = DevMachine { subnet, ..machine(DevClusterProvider::K3d) };

        assert_eq!(
            k3d(&machine).join(" "),
            "cluster create slipway-dev --wait --timeout 240s --kubeconfig-update-default=false \
             --api-port 127.0.0.1:18001 --port 127.0.0.1:18000:30080@server:0 \
             --port 127.0.0.1:18002:80@loadbalancer --port 127.0.0.1:18003:443@loadbalancer \
             --subnet 172.28.0.0/16"
        );
    }

    #[test]
    fn kind_gets_the_ports_of_the_host_and_a_shared_node_port_is_none_of_them() {
        let leased = vec![PortPurpose::PortForward, PortPurpose::Http];
        let machine = DevMachine { leased, ..machine(DevClusterProvider::Kind) };

        assert_eq!(
            kind_config(&machine),
            json!({
                "kind": "Cluster",
                "apiVersion": "kind.x-k8s.io/v1alpha4",
                "networking": { "apiServerAddress": "127.0.0.1", "apiServerPort": 18001 },
                "nodes": [{
                    "role": "control-plane",
                    "extraPortMappings": [
                        { "hostPort": 18002, "containerPort": 80, "listenAddress": "127.0.0.1" },
                    ],
                }],
            })
        );
    }
}
