use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Probe, version::checked_repository};
use crate::{
    error::{Error, Result},
    ids::{ApplicationId, TenantId},
    names,
    page::{PageKey, SortField},
};

/// A thing that is built and run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    pub id: ApplicationId,
    pub tenant_id: TenantId,
    /// Unique among the tenant's living ones; what its objects are called in a cluster.
    pub name: String,
    pub repository: String,
    pub kind: String,
    /// As the client wrote it; [`ApplicationConfig`] is what of it means something.
    pub config: Value,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    /// Counts the changes of its row.
    pub revision: i64,
}

#[derive(Clone, Debug)]
pub struct NewApplication {
    /// The caller's personal tenant where absent.
    pub tenant_id: Option<TenantId>,
    pub name: String,
    pub repository: String,
    pub kind: String,
    pub config: Value,
    pub secrets: Option<Value>,
}

/// What changes of an application; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct ApplicationChange {
    pub name: Option<String>,
    pub kind: Option<String>,
    pub config: Option<Value>,
    /// All of them; `Some(None)` takes them away.
    pub secrets: Option<Option<Value>>,
}

#[derive(Clone, Debug, Default)]
pub struct ApplicationFilter {
    pub repository: Option<String>,
    pub kind: Option<String>,
    pub tenant_id: Option<TenantId>,
    /// Deleted ones too.
    pub deleted: bool,
    pub visible: Option<Vec<TenantId>>,
}

impl Application {
    /// Leaves room in the 63 characters of a Job's name.
    pub const LONGEST_NAME: usize = 40;

    pub fn new(new: NewApplication, tenant_id: TenantId, now: Timestamp) -> Result<Self> {
        let NewApplication { tenant_id: _, name, repository, kind, config, secrets: _ } = new;
        ApplicationConfig::parse("input.config", &config)?;
        Ok(Self {
            id: ApplicationId::fresh(),
            tenant_id,
            name: names::label("input.name", &name, Self::LONGEST_NAME)?,
            repository: checked_repository(repository)?,
            kind: names::text("input.type", &kind, 60)?,
            config,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            revision: 0,
        })
    }

    pub fn changed(mut self, change: ApplicationChange, now: Timestamp) -> Result<Self> {
        let ApplicationChange { name, kind, config, secrets: _ } = change;
        if let Some(name) = name {
            self.name = names::label("input.name", &name, Self::LONGEST_NAME)?;
        }
        if let Some(kind) = kind {
            self.kind = names::text("input.type", &kind, 60)?;
        }
        if let Some(config) = config {
            ApplicationConfig::parse("input.config", &config)?;
            self.config = config;
        }
        self.updated_at = now;
        Ok(self)
    }

    /// It was checked when it was saved.
    pub fn config(&self) -> Result<ApplicationConfig> {
        ApplicationConfig::parse("config", &self.config)
    }

    /// Where it stands in a list that is ordered so.
    pub fn page_key(&self, by: SortField) -> PageKey {
        let value = match by {
            SortField::UpdatedAt => self.updated_at.into(),
            SortField::Name => self.name.as_str().into(),
            _ => self.created_at.into(),
        };
        PageKey::of(by, value, self.id)
    }
}

/// How an application is built, tested and run. What a client leaves out has a default, and keys
/// that are not here are kept for the client and mean nothing.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationConfig {
    /// Runs as it is: nothing is built.
    pub image: Option<String>,
    pub dockerfile: String,
    pub context: String,
    #[serde(alias = "build_args", deserialize_with = "build_args")]
    pub build_args: BTreeMap<String, String>,
    #[serde(deserialize_with = "port")]
    pub port: u16,
    pub test_command: Option<String>,
    /// In percent.
    pub coverage_threshold: Option<f64>,
    pub replicas: i32,
    pub max_unavailable: i32,
    pub health_check: HealthCheckConfig,
    pub cleanup_delay_seconds: i64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HealthCheckConfig {
    pub path: String,
    pub expected_status: u16,
    /// Between two questions.
    pub interval_seconds: i64,
    pub timeout_seconds: i64,
}

impl Default for ApplicationConfig {
    fn default() -> Self {
        Self {
            image: None,
            dockerfile: "Dockerfile".to_owned(),
            context: ".".to_owned(),
            build_args: BTreeMap::new(),
            port: 8080,
            test_command: None,
            coverage_threshold: None,
            replicas: 1,
            max_unavailable: 0,
            health_check: HealthCheckConfig::default(),
            cleanup_delay_seconds: 300,
        }
    }
}

impl Default for HealthCheckConfig {
    fn default() -> Self {
        let path = "/".to_owned();
        Self { path, expected_status: 200, interval_seconds: 2, timeout_seconds: 60 }
    }
}

impl ApplicationConfig {
    /// Checks what a client wrote; `field` is its path.
    pub fn parse(field: &str, config: &Value) -> Result<Self> {
        if !config.is_object() {
            return Err(Error::invalid(field, "must be an object"));
        }
        if config.to_string().len() > 16 * 1024 {
            return Err(Error::invalid(field, "must have at most 16 KiB"));
        }
        let parsed: Self = serde_json::from_value(config.clone())
            .map_err(|error| Error::invalid(field, error.to_string()))?;
        parsed.check(field)?;
        Ok(parsed)
    }

    fn check(&self, field: &str) -> Result<()> {
        let wrong =
            |key: &str, message: &str| Err(Error::invalid(format!("{field}.{key}"), message));
        let HealthCheckConfig { path, expected_status, interval_seconds, timeout_seconds } =
            &self.health_check;
        if self.image.as_deref().is_some_and(|image| !is_image(image)) {
            return wrong("image", "must be the name of an image");
        }
        if !is_inner_path(&self.dockerfile) {
            return wrong("dockerfile", "must be a path inside the context");
        }
        if !is_inner_path(&self.context) {
            return wrong("context", "must be a path inside the repository");
        }
        let named = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !self.build_args.keys().all(|name| !name.is_empty() && named(name)) {
            return wrong("buildArgs", "must hold texts by names of letters, digits and _");
        }
        if self.port == 0 {
            return wrong("port", "must be from 1 to 65535");
        }
        if self.test_command.as_deref().is_some_and(|command| command.trim().is_empty()) {
            return wrong("testCommand", "must not be empty");
        }
        if self.coverage_threshold.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
            return wrong("coverageThreshold", "must be from 0 to 100");
        }
        if !(1..=100).contains(&self.replicas) {
            return wrong("replicas", "must be from 1 to 100");
        }
        if !(0..=self.replicas).contains(&self.max_unavailable) {
            return wrong("maxUnavailable", "must be from 0 to replicas");
        }
        if path.len() > 400
            || !path.chars().all(|c| c.is_ascii_graphic())
            || !Probe::stays_inside(path)
        {
            let message = "must begin with a slash and have no part `.` or `..`";
            return wrong("healthCheck.path", message);
        }
        if !(100..600).contains(expected_status) {
            return wrong("healthCheck.expectedStatus", "must be from 100 to 599");
        }
        if !(1..=300).contains(interval_seconds) {
            return wrong("healthCheck.intervalSeconds", "must be from 1 to 300");
        }
        if !(1..=3600).contains(timeout_seconds) {
            return wrong("healthCheck.timeoutSeconds", "must be from 1 to 3600");
        }
        if !(0..=86_400).contains(&self.cleanup_delay_seconds) {
            return wrong("cleanupDelaySeconds", "must be from 0 to 86400");
        }
        Ok(())
    }

    pub fn health_timeout(&self) -> SignedDuration {
        SignedDuration::from_secs(self.health_check.timeout_seconds)
    }

    pub fn cleanup_delay(&self) -> SignedDuration {
        SignedDuration::from_secs(self.cleanup_delay_seconds)
    }

    /// What an image of a version depends on besides the version.
    pub fn recipe(&self) -> Value {
        json!({
            "dockerfile": self.dockerfile,
            "context": self.context,
            "buildArgs": self.build_args,
        })
    }
}

fn is_image(image: &str) -> bool {
    (1..=400).contains(&image.len())
        && !image.starts_with('-')
        && image.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:@".contains(c))
}

fn is_inner_path(path: &str) -> bool {
    (1..=400).contains(&path.len())
        && !path.starts_with(['/', '-'])
        && !path.split('/').any(|part| part == "..")
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "._-/+@".contains(c))
}

/// A number, or a text that is one.
fn port<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<u16, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Port {
        Number(u16),
        Text(String),
    }
    match Port::deserialize(deserializer) {
        Ok(Port::Number(port)) => Ok(port),
        Ok(Port::Text(text)) => {
            text.parse().map_err(|_| serde::de::Error::custom("port must be from 1 to 65535"))
        }
        Err(_) => Err(serde::de::Error::custom("port must be from 1 to 65535")),
    }
}

/// Texts by name, or `name=value` separated by commas.
fn build_args<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Arguments {
        Named(BTreeMap<String, String>),
        Text(String),
    }
    let malformed = || serde::de::Error::custom("buildArgs must hold texts by name");
    match Arguments::deserialize(deserializer) {
        Ok(Arguments::Named(arguments)) => Ok(arguments),
        Ok(Arguments::Text(text)) => text
            .split(',')
            .filter(|pair| !pair.trim().is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').ok_or_else(malformed)?;
                Ok((name.trim().to_owned(), value.to_owned()))
            })
            .collect(),
        Err(_) => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_a_default_and_what_is_unknown_means_nothing() {
        let config = json!({ "port": "8080", "buildArgs": "a=1,b=2", "team": "core" });

        let config = ApplicationConfig::parse("config", &config).unwrap();

        assert_eq!(config.port, 8080);
        assert_eq!(config.build_args["b"], "2");
        assert_eq!((config.replicas, config.cleanup_delay_seconds), (1, 300));
    }

    #[test]
    fn what_is_wrong_is_told_by_its_path() {
        for (wrong, at) in [
            (json!([]), "config"),
            (json!({ "port": 0 }), "config.port"),
            (json!({ "port": "x" }), "config"),
            (json!({ "image": "a b" }), "config.image"),
            (json!({ "dockerfile": "../x" }), "config.dockerfile"),
            (json!({ "context": "/etc" }), "config.context"),
            (json!({ "replicas": 0 }), "config.replicas"),
            (json!({ "maxUnavailable": 2 }), "config.maxUnavailable"),
            (json!({ "coverageThreshold": 101 }), "config.coverageThreshold"),
            (json!({ "testCommand": " " }), "config.testCommand"),
            (json!({ "healthCheck": { "path": "health" } }), "config.healthCheck.path"),
            (json!({ "healthCheck": { "path": "/a/%2e%2e/b" } }), "config.healthCheck.path"),
            (
                json!({ "healthCheck": { "intervalSeconds": 0 } }),
                "config.healthCheck.intervalSeconds",
            ),
            (json!({ "cleanupDelaySeconds": -1 }), "config.cleanupDelaySeconds"),
        ] {
            let Err(Error::Invalid { field, .. }) = ApplicationConfig::parse("config", &wrong)
            else {
                panic!("{wrong} was taken");
            };
            assert_eq!(field, at, "{wrong}");
        }
    }
}
