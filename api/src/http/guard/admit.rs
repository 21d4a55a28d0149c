//! Stands before the GraphQL engine, whose parser and validation recurse over whatever they are
//! given and walk every spread of every fragment. Each check bounds what the next one costs: bytes,
//! then tokens and nesting in one pass, then the parse, then the size with all fragments spread.
//! What is let through, the engine handles on a fraction of a worker's stack and in milliseconds.

use std::sync::Arc;

use async_graphql::{
    Positioned, Value, Variables,
    parser::{
        self, parse_query,
        types::{
            DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
            ServiceDocument,
        },
    },
};

use super::{
    cost::Prices,
    expansion::{Cycle, Expansion, Size},
    inputs::{Inputs, base},
    lexer::{self, UnterminatedString},
};
use crate::http::{
    asked::Asked,
    limits::Limits,
    params::Params,
    refusal::{Refusal, clip, within},
};

/// An operation that may run, and what is known of it.
#[derive(Debug)]
pub struct Admitted {
    pub asked: Arc<Asked>,
    /// Whether the engine has found the document valid before, and these variables have no field
    /// that it would object to.
    pub is_known: bool,
    pub kind: OperationType,
    /// What it may come to at most.
    pub cost: usize,
}

/// What every document passes before it runs.
pub struct Guard {
    limits: Limits,
    /// Validation panics at a list of an unknown one.
    inputs: Inputs,
    prices: Prices,
}

impl Guard {
    /// For documents against this schema.
    pub fn new(limits: Limits, schema: &ServiceDocument) -> Self {
        Self { limits, inputs: Inputs::of(schema), prices: Prices::of(schema) }
    }

    /// Parses the document of a request if it stays within every limit.
    pub fn admit(&self, params: &Params) -> Result<Admitted, Refusal> {
        let document = self.read(params)?;
        let name = &params.operation_name;
        let (kind, cost) = self.weigh(&document, name.as_deref(), &params.variables)?;
        let asked = Arc::new(Asked::new(params.query.clone(), document, name.clone()));
        Ok(Admitted { asked, is_known: false, kind, cost })
    }

    /// The same for what has been let in before, perhaps with other variables.
    pub fn readmit(&self, asked: Arc<Asked>, variables: &Variables) -> Result<Admitted, Refusal> {
        let name = asked.operation_name.as_deref();
        let (kind, cost) = self.weigh(&asked.document, name, variables)?;
        let is_known = self.inputs.know(select(&asked.document.operations, name)?, variables);
        Ok(Admitted { asked, is_known, kind, cost })
    }

    fn read(&self, params: &Params) -> Result<ExecutableDocument, Refusal> {
        let limits = &self.limits;
        check_text(&params.query, limits)?;
        let document = parse_query(&params.query).map_err(|error| syntax_error(&error))?;
        within("fragment count", document.fragments.len(), limits.fragments)?;
        within("operation count", document.operations.iter().len(), limits.operations)?;
        Ok(document)
    }

    /// The kind and the cost of an operation, with these variables.
    fn weigh(
        &self,
        document: &ExecutableDocument,
        operation_name: Option<&str>,
        variables: &Variables,
    ) -> Result<(OperationType, usize), Refusal> {
        let expansion = Expansion::of(document, variables).map_err(cyclic)?;
        for (_, operation) in document.operations.iter() {
            check_size(&expansion.measure(&operation.node), operation, &self.limits)?;
            self.check_variable_types(&operation.node)?;
        }
        let operation = select(&document.operations, operation_name)?;
        check_required_variables(operation, variables)?;
        let cost = self.prices.quote(document, operation, variables);
        within("cost", cost, self.limits.cost.min(self.limits.budget))?;
        Ok((operation.ty, cost))
    }

    fn check_variable_types(&self, operation: &OperationDefinition) -> Result<(), Refusal> {
        for variable in &operation.variable_definitions {
            let name = base(&variable.node.var_type.node);
            if !self.inputs.has(name) {
                let message = format!("{} is not an input type", clip(name.to_owned(), 64));
                return Err(Refusal::not_valid(message, Some(variable.pos)));
            }
        }
        Ok(())
    }
}

fn check_text(source: &str, limits: &Limits) -> Result<(), Refusal> {
    within("document size in bytes", source.len(), limits.document_bytes)?;
    let tally = lexer::tally(source).map_err(|UnterminatedString(offset)| {
        let position = lexer::position(source, offset);
        Refusal::unparsable("syntax error: a string does not end", Some(position))
    })?;
    within("nesting", tally.nesting, limits.nesting)?;
    within("token count", tally.tokens, limits.tokens)
}

fn check_size(
    size: &Size,
    operation: &Positioned<OperationDefinition>,
    limits: &Limits,
) -> Result<(), Refusal> {
    within("field count", size.fields, limits.fields)?;
    within("depth", size.depth, limits.depth)?;
    within("nesting", size.nesting, limits.nesting)?;
    within("alias count", size.aliases, limits.aliases)?;
    within("directive count", size.directives, limits.directives)?;
    within("variable size in bytes", size.variable_bytes, limits.variable_bytes)?;
    match operation.node.ty {
        OperationType::Query => within("root field count", size.root_fields, limits.root_fields),
        OperationType::Mutation => {
            within("root mutation count", size.root_fields, limits.root_mutations)
        }
        OperationType::Subscription if size.root_fields == 1 => Ok(()),
        OperationType::Subscription => {
            let message = "a subscription has exactly one root field";
            Err(Refusal::not_valid(message, Some(operation.pos)))
        }
    }
}

/// The operation that a request means.
pub fn select<'a>(
    operations: &'a DocumentOperations,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, Refusal> {
    let selected = match (operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()
        }
        (DocumentOperations::Multiple(_), None) => {
            let message = "operationName is missing: the document has several operations";
            return Err(Refusal::not_valid(message, None));
        }
    };
    let unknown = || Refusal::not_valid("the document has no operation of that name", None);
    selected.map(|operation| &operation.node).ok_or_else(unknown)
}

/// Validation does not miss a variable that is not given at all.
fn check_required_variables(
    operation: &OperationDefinition,
    values: &Variables,
) -> Result<(), Refusal> {
    for variable in &operation.variable_definitions {
        let definition = &variable.node;
        let name = &definition.name.node;
        let given = values.get(name).is_some_and(|value| *value != Value::Null);
        if !given && !definition.var_type.node.nullable && definition.default_value.is_none() {
            let message = format!("variable ${} is required", clip(name.to_string(), 64));
            return Err(Refusal::not_valid(message, Some(variable.pos)));
        }
    }
    Ok(())
}

fn cyclic(Cycle(name): Cycle<'_>) -> Refusal {
    let name = clip(name.to_owned(), 64);
    Refusal::not_valid(format!("fragment {name} spreads itself"), None)
}

/// Says where the document breaks and what was expected there. The parser's own message also shows
/// the line, which may be the whole document.
fn syntax_error(error: &parser::Error) -> Refusal {
    let message = match error {
        parser::Error::Syntax { message, .. } => {
            let (_, expectation) = message.rsplit_once("= ").unwrap_or_default();
            format!("syntax error: {expectation}")
        }
        parser::Error::OperationDuplicated { .. } => "two operations have the same name".into(),
        parser::Error::FragmentDuplicated { .. } => "two fragments have the same name".into(),
        other => other.to_string(),
    };
    Refusal::unparsable(message, error.positions().next())
}

#[cfg(test)]
mod tests {
    use async_graphql::{Pos, parser::parse_schema, value};
    use domain::error::ErrorCode;

    use super::*;

    fn admit(params: &Params) -> Result<Admitted, Refusal> {
        Guard::new(Limits::default(), &parse_schema("scalar JSON type Q { a: Int }").unwrap())
            .admit(params)
    }

    fn refused(query: impl Into<String>) -> Refusal {
        admit(&Params::of(query)).unwrap_err()
    }

    #[test]
    fn syntax_errors_have_a_place_and_repeat_nothing() {
        let refusal = refused("{ secret secret2: }");
        assert_eq!(refusal.code, ErrorCode::GraphqlParseFailed);
        assert_eq!(refusal.message, "syntax error: expected name");
        assert_eq!(refusal.position, Some(Pos { line: 1, column: 19 }));

        assert_eq!(refused("{ a(x: \"").message, "syntax error: a string does not end");
        assert_eq!(refused("").message, "syntax error: expected executable_definition");
        assert_eq!(
            refused("query A { a } query A { a }").message,
            "two operations have the same name"
        );
    }

    #[test]
    fn selects_the_operation_by_name() {
        let two = "query A { a } mutation B { a }";
        let named = |query: &str, name: &str| {
            let params = Params { operation_name: Some(name.into()), ..Params::of(query) };
            admit(&params)
        };

        assert_eq!(named(two, "B").unwrap().kind, OperationType::Mutation);
        assert_eq!(
            named(two, "C").unwrap_err().message,
            "the document has no operation of that name"
        );
        assert_eq!(named("{ a }", "C").unwrap_err().code, ErrorCode::GraphqlValidationFailed);
        assert_eq!(
            refused(two).message,
            "operationName is missing: the document has several operations"
        );
    }

    #[test]
    fn required_variables_must_be_given() {
        let query = "query($id: ID!, $n: Int! = 1, $o: Int) { a(x: $id, y: $n, z: $o) }";

        assert_eq!(refused(query).message, "variable $id is required");
        let variables = Variables::from_value(value!({ "id": "x" }));
        assert!(admit(&Params { variables, ..Params::of(query) }).is_ok());
    }

    #[test]
    fn variables_have_input_types_of_the_schema() {
        let typed = |name| admit(&Params::of(format!("query($v: [{name}!] = [1]) {{ a(x: $v) }}")));

        assert!(typed("JSON").is_ok() && typed("Int").is_ok());
        assert_eq!(typed("Q").unwrap_err().message, "Q is not an input type");
        assert_eq!(typed("No").unwrap_err().message, "No is not an input type");
    }

    #[test]
    fn a_subscription_has_one_root_field() {
        assert!(admit(&Params::of("subscription { a }")).is_ok());
        assert_eq!(
            refused("subscription { a b }").message,
            "a subscription has exactly one root field"
        );
    }
}
