//! Ids are UUIDv7 behind a prefix that names their kind, so that a wrong kind is refused by its
//! shape and never looked up. This is the only place that makes ids.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;

/// What all kinds of id share.
pub trait EntityId: Copy + fmt::Display + FromStr<Err = Error> + Send + Sync + 'static {
    /// The word that errors use for the entity, such as `instance`.
    const KIND: &'static str;
    /// What its text begins with, such as `inst_`.
    const PREFIX: &'static str;
}

#[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
fn fresh() -> Uuid {
    Uuid::now_v7()
}

fn parse(kind: &str, prefix: &str, text: &str) -> Result<Uuid, Error> {
    text.strip_prefix(prefix)
        .filter(|rest| rest.len() == 32)
        .and_then(|rest| Uuid::try_parse(rest).ok())
        .ok_or_else(|| Error::invalid("id", format!("is not the id of a {kind}")))
}

macro_rules! ids {
    ($($name:ident $kind:literal $prefix:literal;)*) => {$(
        #[doc = concat!("Shown as `", $prefix, "` and 32 hexadecimal digits.")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(Uuid);

        impl $name {
            pub fn fresh() -> Self {
                Self(fresh())
            }
        }

        impl EntityId for $name {
            const KIND: &'static str = $kind;
            const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut digits = Uuid::encode_buffer();
                f.write_str($prefix)?;
                f.write_str(self.0.simple().encode_lower(&mut digits))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                parse($kind, $prefix, text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    )*};
}

ids! {
    UserId "user" "user_";
    TenantId "tenant" "ten_";
    SessionId "session" "sess_";
    ApiTokenId "API token" "tok_";
    ProductId "product" "prod_";
    OrderId "order" "ord_";
    InstanceId "instance" "inst_";
    InstanceLogId "log line" "ilog_";
    VersionId "version" "ver_";
    ApplicationId "application" "app_";
    EnvironmentId "environment" "env_";
    DeploymentId "deployment" "dep_";
    ClusterId "cluster" "clu_";
    ImportId "import" "imp_";
    WorkflowId "workflow" "wf_";
    TaskId "task" "task_";
    ProcessId "process" "proc_";
}

/// An id of any kind that the graph can look up by `node(id:)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeId {
    User(UserId),
    Tenant(TenantId),
    ApiToken(ApiTokenId),
    Product(ProductId),
    Order(OrderId),
    Instance(InstanceId),
    Cluster(ClusterId),
    Version(VersionId),
    Application(ApplicationId),
    Environment(EnvironmentId),
    Deployment(DeploymentId),
    Workflow(WorkflowId),
    Task(TaskId),
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Tenant(id) => id.fmt(f),
            Self::ApiToken(id) => id.fmt(f),
            Self::Product(id) => id.fmt(f),
            Self::Order(id) => id.fmt(f),
            Self::Instance(id) => id.fmt(f),
            Self::Cluster(id) => id.fmt(f),
            Self::Version(id) => id.fmt(f),
            Self::Application(id) => id.fmt(f),
            Self::Environment(id) => id.fmt(f),
            Self::Deployment(id) => id.fmt(f),
            Self::Workflow(id) => id.fmt(f),
            Self::Task(id) => id.fmt(f),
        }
    }
}

impl FromStr for NodeId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let kind = text.split_inclusive('_').next().unwrap_or_default();
        Ok(match kind {
            UserId::PREFIX => Self::User(text.parse()?),
            TenantId::PREFIX => Self::Tenant(text.parse()?),
            ApiTokenId::PREFIX => Self::ApiToken(text.parse()?),
            ProductId::PREFIX => Self::Product(text.parse()?),
            OrderId::PREFIX => Self::Order(text.parse()?),
            InstanceId::PREFIX => Self::Instance(text.parse()?),
            ClusterId::PREFIX => Self::Cluster(text.parse()?),
            VersionId::PREFIX => Self::Version(text.parse()?),
            ApplicationId::PREFIX => Self::Application(text.parse()?),
            EnvironmentId::PREFIX => Self::Environment(text.parse()?),
            DeploymentId::PREFIX => Self::Deployment(text.parse()?),
            WorkflowId::PREFIX => Self::Workflow(text.parse()?),
            TaskId::PREFIX => Self::Task(text.parse()?),
            _ => return Err(Error::invalid("id", "is not an id")),
        })
    }
}

/// The seconds of `number` count from here: 2026-01-01T00:00:00Z.
const NUMBER_EPOCH: i64 = 1_767_225_600;

/// A snowflake that people can read out: the owner's number (23 bits used), seconds since our
/// epoch (36 bits) and a sequence (4 bits). It stays positive.
pub fn number(owner: i64, tick: i64) -> i64 {
    (owner << 40) | (tick & ((1 << 40) - 1))
}

/// The first tick of a second; the store gives out ticks that only grow, so the seventeenth
/// number of one second takes the next second.
pub fn first_tick(now: jiff::Timestamp) -> i64 {
    (now.as_second() - NUMBER_EPOCH).max(0) << 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_parses_what_it_shows_and_refuses_other_kinds() {
        let id = InstanceId::fresh();

        assert_eq!(id.to_string().parse::<InstanceId>().unwrap(), id);
        assert!(id.to_string().parse::<OrderId>().is_err());
        assert!("inst_".parse::<InstanceId>().is_err());
        assert_eq!(id.to_string().parse::<NodeId>().unwrap(), NodeId::Instance(id));
    }

    #[test]
    fn a_number_stays_positive_to_the_last_owner_and_second() {
        let last = number((1 << 23) - 1, (1 << 40) - 1);

        assert_eq!(last, i64::MAX);
    }
}
