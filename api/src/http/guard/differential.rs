//! Documents by chance, whole and damaged: what the guard lets through, the engine handles on a
//! fraction of a worker's stack, in work that the limits bound.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use async_graphql::{
    Context, EmptyMutation, EmptySubscription, InputObject, Json, Object, Request, Schema, Value,
    Variables, parser::parse_schema, value,
};
use futures::executor::block_on;
use proptest::{collection::vec, prelude::*, sample::select};

use super::Guard;
use crate::http::{limits::Limits, params::Params};

/// A fourth of what a worker has.
const STACK: usize = 512 * 1024;

struct Query;

#[derive(InputObject)]
struct Tree {
    left: Option<Box<Tree>>,
    list: Option<Vec<Option<Vec<i32>>>>,
}

#[Object]
impl Query {
    async fn a(
        &self,
        ctx: &Context<'_>,
        x: Option<Json<Value>>,
        n: Option<i32>,
        tree: Option<Tree>,
    ) -> Self {
        let _ = (x, n, tree.map(|tree| (tree.left, tree.list)));
        ctx.data_unchecked::<Arc<AtomicUsize>>().fetch_add(1, Relaxed);
        Self
    }

    async fn b(&self, ctx: &Context<'_>) -> Option<i32> {
        ctx.data_unchecked::<Arc<AtomicUsize>>().fetch_add(1, Relaxed);
        None
    }
}

type Engine = Schema<Query, EmptyMutation, EmptySubscription>;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    Schema::build(Query, EmptyMutation, EmptySubscription).limit_recursive_depth(64).finish()
});
static GUARD: LazyLock<Guard> =
    LazyLock::new(|| Guard::new(Limits::default(), &parse_schema(ENGINE.sdl()).unwrap()));

/// How many fields the engine resolves, where the guard lets the document through.
fn resolved(document: String) -> Option<usize> {
    let variables = Variables::from_value(value!({ "v": [1, { "w": [2] }], "w": true }));
    let params = Params { variables, ..Params::of(document) };
    let admitted = GUARD.admit(&params).ok()?;
    let resolved = Arc::new(AtomicUsize::new(0));
    let mut request = Request::new("").variables(params.variables).data(Arc::clone(&resolved));
    request.set_parsed_query(admitted.asked.document.clone());
    block_on(ENGINE.execute(request));
    Some(resolved.load(Relaxed))
}

fn check(document: String) -> Result<(), TestCaseError> {
    let on_a_small_stack = thread::Builder::new().stack_size(STACK);
    let outcome = on_a_small_stack.spawn(move || resolved(document)).unwrap().join();
    let resolved = outcome.map_err(|_| TestCaseError::fail("the engine panicked"))?;
    prop_assert!(resolved.unwrap_or(0) <= Limits::default().fields);
    Ok(())
}

fn a_value() -> impl Strategy<Value = String> {
    let leaf =
        select(vec!["1", "-0", "1.5e3", "\"s\"", "\"\"\"b\"\"\"", "null", "true", "$v", "E"]);
    leaf.prop_map(str::to_owned).prop_recursive(24, 60, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" "))),
            inner.clone().prop_map(|item| format!("{{left: {item}}}")),
            inner.prop_map(|item| format!("{{list: [{item}], left: null}}")),
        ]
    })
}

fn selections() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "b",
        "__typename",
        "x: b",
        "...F0",
        "...F1",
        "...F2",
        "b @skip(if: $w)",
        "nothing",
        "a",
        "__schema { types { name } }",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(16, 80, 5, |inner| {
        let set = vec(inner, 1..5).prop_map(|selections| selections.join(" "));
        (set, a_value(), 0..6).prop_map(|(set, value, shape)| match shape {
            0 => format!("a {{ {set} }}"),
            1 => format!("y: a(x: {value}) {{ {set} }}"),
            2 => format!("a(tree: {value}) @include(if: true) {{ {set} }}"),
            3 => format!("... on Query {{ {set} }}"),
            4 => format!("... @skip(if: $w) {{ {set} }}"),
            _ => format!("a(n: {value}, x: $v) {{ {set} }}"),
        })
    })
}

fn document() -> impl Strategy<Value = String> {
    let fragments = vec(selections(), 3);
    (selections(), fragments, a_value()).prop_map(|(selections, fragments, default)| {
        let mut document = format!("query Q($v: JSON = {default}, $w: Boolean) {{ {selections} }}");
        for (number, selections) in fragments.iter().enumerate() {
            document += &format!(" fragment F{number} on Query {{ {selections} }}");
        }
        document
    })
}

/// A piece of a document, put in place of another or between two, at a thousandth of its length.
fn damage() -> impl Strategy<Value = (usize, usize, String)> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "\"",
        "\"\"\"",
        "\\",
        "#",
        "\n",
        "...",
        "@",
        "$",
        ":",
        "!",
        "é",
        "\u{feff}",
        "0",
        "query",
        "fragment",
        "on",
        "{a{a{a{a{a{a{a{a",
        "[[[[[[[[[[[[[[[[",
    ];
    (0_usize..1_000, 0_usize..4, select(pieces.to_vec()).prop_map(str::to_owned))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_is_let_through_is_handled(document in document()) {
        check(document)?;
    }

    #[test]
    fn what_is_damaged_and_let_through_is_handled(
        document in document(),
        damages in vec(damage(), 1..6),
    ) {
        let mut characters: Vec<char> = document.chars().collect();
        for (place, length, piece) in damages {
            let at = characters.len() * place / 1_000;
            let end = (at + length).min(characters.len());
            characters.splice(at..end, piece.chars());
        }
        check(characters.into_iter().collect())?;
    }
}
