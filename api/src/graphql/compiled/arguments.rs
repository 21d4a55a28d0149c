use async_graphql::{InputType, Name, Value as ConstValue, parser::types::Field};
use async_graphql_value::Value;

use super::{Leave, Reader};

/// The arguments of a field, before variables have their values.
pub(super) struct Arguments(Vec<(Name, Value)>);

impl Arguments {
    pub fn of(field: &Field) -> Self {
        let arguments = field.arguments.iter();
        Self(arguments.map(|(name, value)| (name.node.clone(), value.node.clone())).collect())
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(given, _)| given == name)
    }

    pub fn get<T: InputType>(&self, name: &str, reader: &Reader<'_>) -> Result<T, Leave> {
        let given = self.0.iter().find(|(given, _)| given == name);
        let value = match given {
            None => None,
            Some((_, Value::Variable(variable))) => reader.variables.get(variable).cloned(),
            Some((_, value)) => Some(resolved(value, reader)?),
        };
        T::parse(value).map_err(|_| Leave::Untried)
    }
}

fn resolved(value: &Value, reader: &Reader<'_>) -> Result<ConstValue, Leave> {
    let value = value.clone();
    value.into_const_with(|name| reader.variables.get(&name).cloned().ok_or(Leave::Untried))
}
