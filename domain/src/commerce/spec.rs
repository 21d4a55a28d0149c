use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    names,
};

/// What a workload gets and runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComputeSpec {
    pub cpu_millis: i32,
    pub memory_mib: i32,
    pub gpu: Option<Gpu>,
    pub image: String,
    /// An object; `port` (1 to 65535, default 8080) and `env` (texts by name) mean something.
    pub config: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// Which kind of GPU, as the platform numbers them.
    #[serde(rename = "type")]
    pub kind: i32,
    pub count: i32,
}

/// What changes of a specification; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct SpecChange {
    pub cpu_millis: Option<i32>,
    pub memory_mib: Option<i32>,
    /// `Some(None)` takes the GPUs away.
    pub gpu: Option<Option<Gpu>>,
    pub image: Option<String>,
    pub config: Option<Value>,
}

impl ComputeSpec {
    pub const DEFAULT_PORT: u16 = 8080;

    /// With the changes in it, unchecked.
    pub fn changed(self, change: SpecChange) -> Self {
        let SpecChange { cpu_millis, memory_mib, gpu, image, config } = change;
        Self {
            cpu_millis: cpu_millis.unwrap_or(self.cpu_millis),
            memory_mib: memory_mib.unwrap_or(self.memory_mib),
            gpu: gpu.unwrap_or(self.gpu),
            image: image.unwrap_or(self.image),
            config: config.unwrap_or(self.config),
        }
    }

    /// Checks what a client sent; `field` is the path of the specification.
    pub fn checked(self, field: &str) -> Result<Self> {
        within(field, "cpuMillis", self.cpu_millis, 1, 1_024_000)?;
        within(field, "memoryMib", self.memory_mib, 1, 16_777_216)?;
        if let Some(gpu) = &self.gpu {
            within(field, "gpu.type", gpu.kind, 0, 65_535)?;
            within(field, "gpu.count", gpu.count, 1, 64)?;
        }
        image(field, &self.image)?;
        let Value::Object(config) = &self.config else {
            return Err(Error::invalid(format!("{field}.config"), "must be an object"));
        };
        port(field, config)?;
        env(field, config)?;
        Ok(self)
    }

    /// The port that the container listens on.
    pub fn port(&self) -> u16 {
        self.config
            .get("port")
            .and_then(Value::as_u64)
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or(Self::DEFAULT_PORT)
    }

    /// The container's environment.
    pub fn env(&self) -> BTreeMap<&str, &str> {
        self.config
            .get("env")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .collect()
    }
}

fn within(field: &str, name: &str, value: i32, least: i32, most: i32) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(format!("{field}.{name}"), format!("must be from {least} to {most}")))
}

fn image(field: &str, image: &str) -> Result<()> {
    let fits = (1..=255).contains(&image.len())
        && image.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:@".contains(c))
        && image.starts_with(|c: char| c.is_ascii_alphanumeric());
    if fits {
        Ok(())
    } else {
        Err(Error::invalid(format!("{field}.image"), "must be an image reference"))
    }
}

fn port(field: &str, config: &Map<String, Value>) -> Result<()> {
    match config.get("port") {
        None => Ok(()),
        Some(port) if port.as_u64().is_some_and(|port| (1..=65_535).contains(&port)) => Ok(()),
        Some(_) => Err(Error::invalid(format!("{field}.config.port"), "must be from 1 to 65535")),
    }
}

fn env(field: &str, config: &Map<String, Value>) -> Result<()> {
    let field = format!("{field}.config.env");
    match config.get("env") {
        None => Ok(()),
        Some(Value::Object(env)) => names::environment(&field, env),
        Some(_) => Err(Error::invalid(field, "must be an object")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec() -> ComputeSpec {
        ComputeSpec {
            cpu_millis: 250,
            memory_mib: 256,
            gpu: None,
            image: "registry.example/team/web:1.2".to_owned(),
            config: json!({ "port": 3000, "env": { "MODE": "demo" } }),
        }
    }

    #[test]
    fn a_sound_specification_passes_and_tells_port_and_env() {
        let spec = spec().checked("input.spec").unwrap();

        assert_eq!(spec.port(), 3000);
        assert_eq!(spec.env().get("MODE"), Some(&"demo"));
    }

    #[test]
    fn each_fault_names_its_field() {
        let faults = [
            (ComputeSpec { cpu_millis: 0, ..spec() }, "input.spec.cpuMillis"),
            (ComputeSpec { memory_mib: -1, ..spec() }, "input.spec.memoryMib"),
            (
                ComputeSpec { gpu: Some(Gpu { kind: 1, count: 0 }), ..spec() },
                "input.spec.gpu.count",
            ),
            (ComputeSpec { image: "a b".to_owned(), ..spec() }, "input.spec.image"),
            (ComputeSpec { config: json!([]), ..spec() }, "input.spec.config"),
            (ComputeSpec { config: json!({ "port": 0 }), ..spec() }, "input.spec.config.port"),
            (
                ComputeSpec { config: json!({ "env": { "A": 1 } }), ..spec() },
                "input.spec.config.env",
            ),
        ];
        for (spec, expected) in faults {
            let Err(Error::Invalid { field, .. }) = spec.checked("input.spec") else {
                panic!("{expected} was not refused");
            };
            assert_eq!(field, expected);
        }
    }
}
