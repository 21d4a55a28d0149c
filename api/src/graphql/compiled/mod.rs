//! The short way for what is read most. An operation over accounts, orders, products and instances is
//! compiled once into the shape of its answer. A level of the graph is one batch, as ever, but rows are
//! written out as JSON where they are read, in the order of the document, without a future and a value
//! for each field. What is not known here, or fails, goes the engine's way, and has its words; a change
//! that has been refused is not tried there again.

mod arguments;
mod json;
mod lists;
mod mutations;
mod pages;
mod records;
mod roots;
mod selection;
mod shape;

use std::{fmt, sync::Arc};

use async_graphql::{
    Name, Value, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, OperationType},
};
use domain::{Call, ControlPlane};

use self::{json::Pieces, roots::Root, selection::Compiler};

/// An operation in the shape of its answer.
pub struct Plan {
    roots: Vec<(String, Box<dyn Root>)>,
    /// The variables that must have a value.
    required: Vec<Name>,
}

/// What a plan came to.
pub struct Answer {
    /// What stands behind `data`.
    pub data: String,
    /// How many objects are in it below the root.
    pub objects: usize,
}

/// With what and for whom a plan runs.
pub struct Reader<'a> {
    pub control_plane: &'a Arc<ControlPlane>,
    pub call: &'a Call,
    pub variables: &'a Variables,
    /// Whether an idempotency key stands beside the document.
    pub has_key: bool,
}

/// Why the engine has to answer.
#[derive(Debug)]
pub enum Leave {
    /// It may do it all.
    Untried,
    /// The change was refused: what is left is to say so.
    Refused(domain::Error),
}

impl From<domain::Error> for Leave {
    fn from(_: domain::Error) -> Self {
        Self::Untried
    }
}

type Compile = fn(&Field, &Compiler<'_>) -> Option<Box<dyn Root>>;

impl Plan {
    /// The plan of an operation that the engine finds valid; none where anything in it is not
    /// known here.
    pub fn of(document: &ExecutableDocument, operation: &OperationDefinition) -> Option<Self> {
        if !operation.directives.is_empty() {
            return None;
        }
        let mut required = Vec::new();
        for variable in operation.variable_definitions.iter().map(|it| &it.node) {
            if variable.default_value.is_some() || !variable.directives.is_empty() {
                return None;
            }
            if !variable.var_type.node.nullable {
                required.push(variable.name.node.clone());
            }
        }
        let compiler = Compiler::new(document);
        let selections = &operation.selection_set.node;
        let (fields, root): (_, Compile) = match operation.ty {
            OperationType::Query => (compiler.fields("Query", selections)?, roots::of),
            // Of several, one may fail and the others not.
            OperationType::Mutation if selections.items.len() == 1 => {
                (compiler.fields("Mutation", selections)?, mutations::of)
            }
            OperationType::Mutation | OperationType::Subscription => return None,
        };
        let roots = fields.into_iter().map(|(key, field)| Some((key, root(field, &compiler)?)));
        Some(Self { roots: roots.collect::<Option<_>>()?, required })
    }

    /// The answer, unless the engine has to find it.
    pub async fn run(&self, reader: &Reader<'_>) -> Result<Answer, Leave> {
        let is_given = |name| reader.variables.get(name).is_some_and(|value| *value != Value::Null);
        if !self.required.iter().all(is_given) {
            return Err(Leave::Untried);
        }
        let mut pieces = Pieces::default();
        pieces.begin();
        for (key, root) in &self.roots {
            pieces.key(key);
            root.write(reader, &mut pieces).await?;
        }
        Ok(pieces.into_answer())
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").finish_non_exhaustive()
    }
}
