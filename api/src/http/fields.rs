//! Which argument an input error of the engine is about: it tells a position only.

use async_graphql::{
    Pos, Positioned, ServerError,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

use domain::error::ErrorCode;

use super::{asked::Asked, errors::code_of};

/// Gives each refused input that does not name its field the name of the argument that holds it.
pub fn name(errors: &mut [ServerError], asked: &Asked) {
    let nameless = |error: &ServerError| {
        let extensions = error.extensions.as_ref();
        code_of(error) == Some(ErrorCode::Invalid)
            && extensions.is_some_and(|all| all.get("field").is_none())
    };
    if !errors.iter().any(nameless) {
        return;
    }
    for error in errors.iter_mut().filter(|error| nameless(error)) {
        let argument = error.locations.first().and_then(|at| argument_at(&asked.document, *at));
        if let Some(argument) = argument {
            error.extensions.get_or_insert_default().set("field", argument);
        }
    }
}

fn argument_at(document: &ExecutableDocument, at: Pos) -> Option<&str> {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set);
    operations.chain(fragments).find_map(|set| argument_in(set, at))
}

/// The guard has bounded how deep selections go.
fn argument_in(set: &Positioned<SelectionSet>, at: Pos) -> Option<&str> {
    set.node.items.iter().find_map(|item| match &item.node {
        Selection::Field(field) => {
            let mut arguments = field.node.arguments.iter();
            let found = arguments.find(|(_, value)| value.pos == at);
            let found = found.map(|(name, _)| name.node.as_str());
            found.or_else(|| argument_in(&field.node.selection_set, at))
        }
        Selection::InlineFragment(fragment) => argument_in(&fragment.node.selection_set, at),
        Selection::FragmentSpread(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::{Value, parser::parse_query};

    use super::*;

    #[test]
    fn the_argument_at_the_position_of_an_error_is_its_field() {
        let query = "query($id: ID!) { a { order(id: $id) { x } } }".to_owned();
        let document = parse_query(&query).unwrap();
        let asked = Asked::new(query, document, None);
        let mut error = ServerError::new("is not an id", Some(Pos { line: 1, column: 33 }));
        error.extensions.get_or_insert_default().set("code", "INVALID");

        let mut errors = [error];
        name(&mut errors, &asked);

        let field = errors[0].extensions.as_ref().and_then(|all| all.get("field"));
        assert_eq!(field, Some(&Value::from("id")));
    }
}
