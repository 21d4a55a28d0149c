use std::convert::Infallible;

use async_graphql::{
    Name, Value,
    parser::types::{Field, OperationDefinition, Selection},
};
use domain::events::Cursor;

use super::{guard::select, question::Question};
use crate::graphql::Place;

/// A subscription that others may ask for too.
pub struct Joinable {
    /// The same for all that are executed alike.
    pub name: String,
    /// Where its reader goes on.
    pub after: Option<Cursor>,
    /// Without that.
    pub question: Question,
}

impl Joinable {
    /// None for what is executed for its reader alone.
    pub fn of(
        question: &Question,
        place: &Place,
        is_resumed_by_cursor: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let Ok(actor) = question.call.actor() else { return None };
        let operation_name = question.asked.operation_name.as_deref();
        let operation = select(&question.asked.document.operations, operation_name).ok()?;
        let field = root_field(operation).filter(|field| is_resumed_by_cursor(&field.name.node))?;
        let mut question = question.clone();
        let given = match field.arguments.iter().find(|(name, _)| name.node == "after") {
            None => Value::Null,
            Some((_, value)) => {
                let mut variable = None;
                let Ok(_) = value.node.clone().into_const_with(|name| {
                    variable = Some(name);
                    Ok::<_, Infallible>(Value::Null)
                });
                take(&mut question, operation, &variable?)?
            }
        };
        let given = match given {
            Value::Null => None,
            Value::String(text) => Some(text.parse().ok()?),
            _ => return None,
        };
        let after = place.resume().ok()?.or(given);
        let variables = serde_json::to_string(&question.variables).ok()?;
        let query = &question.asked.query;
        let name = format!("{}\n{operation_name:?}\n{variables}\n{query}", actor.sight());
        Some(Self { name, after, question })
    }
}

fn root_field(operation: &OperationDefinition) -> Option<&Field> {
    match &operation.selection_set.node.items.first()?.node {
        Selection::Field(field) if field.node.directives.is_empty() => Some(&field.node),
        _ => None,
    }
}

/// Takes a variable's value out, where the question is a good one without it.
fn take(question: &mut Question, operation: &OperationDefinition, name: &Name) -> Option<Value> {
    let mut definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
    let definition = definitions.find(|definition| definition.name.node == *name)?;
    let is_optional = definition.var_type.node.nullable && definition.default_value.is_none();
    // Defined and used, and no more.
    let is_used_once = question.asked.query.matches(&format!("${name}")).count() == 2;
    (is_optional && is_used_once).then(|| question.variables.remove(name).unwrap_or_default())
}
