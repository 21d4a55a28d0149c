use std::net::SocketAddr;

/// The text of a kubeconfig for a cluster that is served at this address.
pub fn kubeconfig(address: SocketAddr) -> String {
    format!(
        "\
apiVersion: v1
kind: Config
clusters:
- name: simulated
  cluster:
    server: http://{address}
users:
- name: simulated
  user: {{}}
contexts:
- name: simulated
  context:
    cluster: simulated
    user: simulated
    namespace: default
current-context: simulated
"
    )
}
