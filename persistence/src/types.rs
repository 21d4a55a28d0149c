//! Column types that both databases share: ids and states as text, documents as JSON text, time
//! as microseconds since 1970.

use std::io::Write;

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{BigInt, Text},
    sqlite::{Sqlite, SqliteValue},
};
use domain::{
    clusters::{ClusterStatus, PortPurpose},
    commerce::{OrderStatus, ProductStatus},
    delivery::{DeploymentFailure, DeploymentStatus, DeploymentStrategy, EnvironmentType},
    events::EventType,
    identity::{TenantRole, UserStatus},
    ids::{
        ApiTokenId, ApplicationId, ClusterId, DeploymentId, EnvironmentId, ImportId, InstanceId,
        InstanceLogId, OrderId, ProcessId, ProductId, SessionId, TaskId, TenantId, UserId,
        VersionId, WorkflowId,
    },
    instances::{InstanceStatus, LogType},
    quota::QuotaDimension,
    runtime::Owner,
    workflows::{Phase, TaskStatus, WorkflowKind, WorkflowStatus},
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

/// What stands in a text column.
pub(crate) trait TextForm: Sized {
    fn to_text(&self) -> String;
    fn of_text(text: &str) -> Option<Self>;
}

macro_rules! ids {
    ($($name:ident)*) => {$(
        impl TextForm for $name {
            fn to_text(&self) -> String {
                self.to_string()
            }
            fn of_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}

macro_rules! states {
    ($($name:ident)*) => {$(
        impl TextForm for $name {
            fn to_text(&self) -> String {
                self.as_str().to_owned()
            }
            fn of_text(text: &str) -> Option<Self> {
                Self::parse(text)
            }
        }
    )*};
}

ids! {
    ApiTokenId ApplicationId ClusterId DeploymentId EnvironmentId ImportId InstanceId InstanceLogId
    OrderId Owner ProcessId ProductId SessionId TaskId TenantId UserId VersionId WorkflowId
}
states! {
    ClusterStatus DeploymentFailure DeploymentStatus DeploymentStrategy EnvironmentType EventType
    InstanceStatus LogType OrderStatus Phase PortPurpose ProductStatus QuotaDimension TaskStatus
    TenantRole UserStatus WorkflowKind WorkflowStatus
}

#[derive(Clone, Copy, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(crate) struct AsText<T>(pub T);

#[derive(Clone, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(crate) struct AsJson<T>(pub T);

/// Time as microseconds since 1970.
#[derive(Clone, Copy, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = BigInt)]
pub(crate) struct Micros(pub Timestamp);

impl<T: TextForm> FromSql<Text, Sqlite> for AsText<T> {
    fn from_sql(bytes: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Self::read(&<String as FromSql<Text, Sqlite>>::from_sql(bytes)?)
    }
}

impl<T: TextForm> FromSql<Text, Pg> for AsText<T> {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        Self::read(str::from_utf8(bytes.as_bytes())?)
    }
}

impl<T: TextForm> AsText<T> {
    fn read(text: &str) -> deserialize::Result<Self> {
        T::of_text(text).map(Self).ok_or_else(|| format!("cannot read {text:?}").into())
    }
}

impl<T: DeserializeOwned, DB: Backend> FromSql<Text, DB> for AsJson<T>
where
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_str(&String::from_sql(bytes)?)?))
    }
}

impl<DB: Backend> FromSql<BigInt, DB> for Micros
where
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Timestamp::from_microsecond(i64::from_sql(bytes)?)?))
    }
}

impl<T: TextForm + std::fmt::Debug> ToSql<Text, Sqlite> for AsText<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.to_text());
        Ok(IsNull::No)
    }
}

impl<T: TextForm + std::fmt::Debug> ToSql<Text, Pg> for AsText<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.to_text().as_bytes())?;
        Ok(IsNull::No)
    }
}

impl<T: Serialize + std::fmt::Debug> ToSql<Text, Sqlite> for AsJson<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(serde_json::to_string(&self.0)?);
        Ok(IsNull::No)
    }
}

impl<T: Serialize + std::fmt::Debug> ToSql<Text, Pg> for AsJson<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        serde_json::to_writer(out, &self.0)?;
        Ok(IsNull::No)
    }
}

impl ToSql<BigInt, Sqlite> for Micros {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_microsecond());
        Ok(IsNull::No)
    }
}

impl ToSql<BigInt, Pg> for Micros {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.0.as_microsecond().to_be_bytes())?;
        Ok(IsNull::No)
    }
}

/// The texts of a list of ids or states, as `eq_any` takes them. The last stands there again until
/// there are 1, 2, 4, 8…: SQLite has a place for each, and statements of many lengths to prepare
/// would be many statements.
pub(crate) fn texts<T: TextForm>(values: &[T]) -> Vec<String> {
    let mut texts: Vec<_> = values.iter().map(TextForm::to_text).collect();
    if let Some(last) = texts.last().cloned() {
        texts.resize(texts.len().next_power_of_two(), last);
    }
    texts
}
