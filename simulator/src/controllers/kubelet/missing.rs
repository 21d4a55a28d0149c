use serde_json::Value;

use crate::{
    kinds::{CONFIG_MAP, Kind, SECRET},
    object::{items, namespace, text},
    state::State,
    storage::Key,
};

impl State {
    /// The first ConfigMap or Secret that a Pod's environment needs and that is not there.
    pub(super) fn missing(&self, pod: &Value) -> Option<String> {
        let references = items(&pod["spec"]["containers"]).iter().flat_map(|container| {
            let single = items(&container["env"]).iter().flat_map(|variable| {
                let from = &variable["valueFrom"];
                [(&CONFIG_MAP, &from["configMapKeyRef"]), (&SECRET, &from["secretKeyRef"])]
            });
            let whole = items(&container["envFrom"]).iter().flat_map(|from| {
                [(&CONFIG_MAP, &from["configMapRef"]), (&SECRET, &from["secretRef"])]
            });
            single.chain(whole)
        });
        references
            .filter(|(_, reference)| reference.is_object() && reference["optional"] != true)
            .find_map(|(kind, reference)| self.absent(kind, pod, text(&reference["name"])))
    }

    /// The first volume that cannot be mounted, with what it lacks.
    pub(super) fn unmountable(&self, pod: &Value) -> Option<(String, String)> {
        items(&pod["spec"]["volumes"]).iter().find_map(|volume| {
            let sources = [
                (&CONFIG_MAP, &volume["configMap"], "name"),
                (&SECRET, &volume["secret"], "secretName"),
            ];
            let absent = sources
                .into_iter()
                .filter(|(_, source, _)| source.is_object() && source["optional"] != true)
                .find_map(|(kind, source, field)| self.absent(kind, pod, text(&source[field])))?;
            Some((text(&volume["name"]).to_owned(), absent))
        })
    }

    fn absent(&self, kind: &'static Kind, pod: &Value, name: &str) -> Option<String> {
        let key = Key::new(kind, namespace(pod), name);
        let there = self.storage.get(&key).is_some();
        (!there).then(|| format!("{} {name:?} not found", kind.singular))
    }
}
