use std::{borrow::Cow, fmt, str::FromStr};

use async_graphql::{
    ID, InputType, InputValueError, InputValueResult, Scalar, ScalarType, Value, registry::Registry,
};
use domain::{
    Error,
    ids::{EntityId, NodeId},
};
use jiff::Timestamp;

#[derive(Clone, Copy)]
pub struct DateTime(pub Timestamp);

#[derive(Clone, Copy)]
pub struct Cursor(pub domain::events::Cursor);

#[derive(Clone, Copy)]
pub struct Cents(pub u32);

#[derive(Clone, Copy)]
pub struct Long(pub i64);

#[derive(Clone)]
pub struct Json(pub serde_json::Value);

/// A typed id as an argument. A wrong kind is refused with `INVALID` before anything is looked up.
pub struct Id<T>(pub T);

/// An input that is not acceptable, with its code.
fn refused<T>(message: impl std::fmt::Display) -> InputValueError<T>
where
    T: InputType,
{
    InputValueError::custom(message)
        .with_extension("code", "INVALID")
        .with_extension("retryable", false)
}

/// A point in time: RFC 3339 in UTC, to the microsecond.
#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => {
                text.parse().map(Self).map_err(|_| refused("must be a time as RFC 3339 writes it"))
            }
            _ => Err(refused("must be a time as a string")),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(self.0.to_string())
    }
}

/// An opaque position in the event log. Safe to store; resume from it with `after`.
#[Scalar]
impl ScalarType for Cursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text.parse().map(Self).map_err(refused_by),
            _ => Err(refused("must be a cursor as a string")),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(self.0.to_string())
    }
}

/// An amount of money in cents, from 0 to 4294967295.
#[Scalar]
impl ScalarType for Cents {
    fn parse(value: Value) -> InputValueResult<Self> {
        integer(&value)
            .and_then(|cents| u32::try_from(cents).ok())
            .map(Self)
            .ok_or_else(|| refused("must be cents from 0 to 4294967295"))
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

/// A signed 64-bit integer as a decimal string, so that it survives JavaScript. Inputs may be
/// numbers too.
#[Scalar]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        integer(&value).map(Self).ok_or_else(|| refused("must be a 64-bit integer"))
    }

    fn to_value(&self) -> Value {
        Value::from(self.0.to_string())
    }
}

/// Any JSON value.
#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        value.into_json().map(Self).map_err(|_| refused("must be JSON"))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn refused_by<T: InputType>(error: Error) -> InputValueError<T> {
    match error {
        Error::Invalid { message, .. } => refused(message),
        other => refused(other),
    }
}

impl<T> InputType for Id<T>
where
    T: FromStr<Err = Error> + fmt::Display + Send + Sync,
{
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <ID as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value {
            Some(Value::String(text)) => text.parse().map(Self).map_err(refused_by),
            _ => Err(refused("must be an id as a string")),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(self.0.to_string())
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// The id of any kind of node.
pub type AnyId = Id<NodeId>;

pub(super) fn id(id: impl EntityId) -> ID {
    ID(id.to_string())
}

pub(super) fn time(at: Option<Timestamp>) -> Option<DateTime> {
    at.map(DateTime)
}
