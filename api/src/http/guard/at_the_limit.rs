//! The limits of documents, each at its value and one above.

use async_graphql::{Variables, parser::parse_schema, value};
use domain::error::ErrorCode;

use super::{Admitted, Guard, expansion::Expansion};
use crate::http::{limits::Limits, params::Params, refusal::Refusal};

/// As GraphiQL sends it.
const INTROSPECTION: &str = include_str!("introspection.graphql");

fn admit(params: &Params) -> Result<Admitted, Refusal> {
    Guard::new(Limits::default(), &parse_schema("scalar JSON type Q { a: Int }").unwrap())
        .admit(params)
}

/// What is built for the limit passes, and one more is refused by that limit's name.
fn check_limit(what: &str, limit: usize, build: impl Fn(usize) -> String) {
    let passed = admit(&Params::of(build(limit)));
    assert!(passed.is_ok(), "{what}: {:?}", passed.unwrap_err());

    let refusal = admit(&Params::of(build(limit + 1))).unwrap_err();

    assert_eq!(refusal.code, ErrorCode::TooComplex);
    assert_eq!(refusal.message, format!("{what} exceeds the limit of {limit}"));
}

#[test]
fn document_size() {
    check_limit("document size in bytes", 32 * 1024, |bytes| {
        format!("{{ a }}{}", " ".repeat(bytes - 5))
    });
}

#[test]
fn tokens() {
    check_limit("token count", 2_000, |count| format!("{{ a(x: [{}]) }}", "1 ".repeat(count - 9)));
}

#[test]
fn nesting_of_literals_selections_and_fragments() {
    check_limit("nesting", 40, |levels| {
        format!("{{ a(x: {}{}) }}", "[".repeat(levels - 2), "]".repeat(levels - 2))
    });
    check_limit("nesting", 40, |levels| {
        format!("{{ {} a {} }}", "... { ".repeat(levels - 1), "}".repeat(levels - 1))
    });
    check_limit("nesting", 40, |levels| {
        let link = |level| format!("fragment F{level} on Q {{ ...F{} }}", level + 1);
        let chain: Vec<_> = (1..levels - 1).map(link).collect();
        format!("{{ ...F1 }} {} fragment F{} on Q {{ a }}", chain.join(" "), levels - 1)
    });
}

#[test]
fn depth() {
    check_limit("depth", 15, |depth| {
        format!("{{ {} a {} }}", "a { ".repeat(depth - 1), "}".repeat(depth - 1))
    });
}

#[test]
fn fields() {
    check_limit("field count", 500, |count| {
        format!("{{ a {{ {} }} }}", "__typename ".repeat(count - 1))
    });
}

#[test]
fn aliases() {
    check_limit("alias count", 30, |count| {
        format!("{{ a {{ {} }} }}", "x: __typename ".repeat(count))
    });
}

#[test]
fn directives() {
    check_limit("directive count", 20, |count| {
        format!("query($v: Int @d) @d {{ a {} }}", "@d ".repeat(count - 2))
    });
}

#[test]
fn root_fields() {
    check_limit("root field count", 20, |count| {
        format!("{{ ...F ... {{ {} }} }} fragment F on Q {{ a }}", "a ".repeat(count - 1))
    });
}

#[test]
fn root_mutations() {
    check_limit("root mutation count", 5, |count| format!("mutation {{ {} }}", "a ".repeat(count)));
}

#[test]
fn fragments() {
    check_limit("fragment count", 50, |count| {
        let fragment = |number| format!(" fragment F{number} on Q {{ a }}");
        "{ a }".to_owned() + &(0..count).map(fragment).collect::<String>()
    });
}

#[test]
fn operations() {
    let params = |count| {
        let operations: Vec<_> = (0..count).map(|it| format!("query Q{it} {{ a }}")).collect();
        Params { operation_name: Some("Q3".into()), ..Params::of(operations.join(" ")) }
    };

    assert!(admit(&params(10)).is_ok());
    let refusal = admit(&params(11)).unwrap_err();
    assert_eq!(refusal.message, "operation count exceeds the limit of 10");
}

#[test]
fn variables_are_bounded_by_their_use() {
    let query = |uses| format!("query($v: JSON) {{ a(x: [{}]) }}", "$v ".repeat(uses));
    let variables = Variables::from_value(value!({ "v": "x".repeat(100_000) }));
    let params = |uses| Params { variables: variables.clone(), ..Params::of(query(uses)) };

    assert!(admit(&params(10)).is_ok());
    let refusal = admit(&params(11)).unwrap_err();
    assert_eq!(refusal.message, "variable size in bytes exceeds the limit of 1048576");
}

#[test]
fn the_introspection_of_graphiql_passes() {
    let admitted = admit(&Params::of(INTROSPECTION)).unwrap();

    let document = &admitted.asked.document;
    let variables = Variables::default();
    let (_, operation) = document.operations.iter().next().unwrap();
    let size = Expansion::of(document, &variables).unwrap().measure(&operation.node);
    assert_eq!((size.depth, size.fields), (15, 230));
}
