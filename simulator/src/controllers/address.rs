use jiff::Timestamp;
use serde_json::json;

use crate::{
    kinds::INGRESS,
    object::{is_empty, is_terminating},
    state::State,
    storage::Key,
};

/// From the addresses set aside for documentation.
const PUBLIC_ADDRESS: &str = "203.0.113.10";

impl State {
    /// Gives Ingresses, and Services that ask for one, an address of the outside world.
    pub(super) fn give_address(&mut self, key: &Key) -> Option<Timestamp> {
        let object = self.get(key)?;
        let wants = *key.kind == INGRESS || object["spec"]["type"] == "LoadBalancer";
        let has = !is_empty(&object["status"]["loadBalancer"]["ingress"]);
        if !wants || has || is_terminating(&object) {
            return None;
        }
        let manager =
            if *key.kind == INGRESS { "ingress-controller" } else { "cloud-controller-manager" };
        let status = json!({"loadBalancer": {"ingress": [{"ip": PUBLIC_ADDRESS}]}});
        self.set_status(key, status, manager);
        None
    }
}
