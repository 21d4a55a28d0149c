//! What is known to kill or stall a GraphQL server, against the guard; and what the guard lets
//! through, against the engine.

use std::{
    sync::{LazyLock, mpsc},
    thread,
    time::{Duration, Instant},
};

use async_graphql::{
    EmptyMutation, EmptySubscription, InputObject, Json, Object, Request, Response, Schema, Value,
    Variables,
    parser::{parse_query, parse_schema},
    value,
};
use futures::executor::block_on;

use super::{Admitted, Guard, lexer};
use crate::http::{limits::Limits, params::Params, refusal::Refusal};

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
        x: Option<Json<Value>>,
        n: Option<i32>,
        list: Option<Vec<Option<Vec<i32>>>>,
        tree: Option<Tree>,
    ) -> Self {
        let _ = (x, n, list, tree.map(|tree| (tree.left, tree.list)));
        Self
    }

    async fn b(&self) -> Option<i32> {
        None
    }
}

/// Runs on a small stack, so that what would come near the end of a worker's overflows here.
fn on_a_small_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap()
}

fn execute(schema: &Schema<Query, EmptyMutation, EmptySubscription>, params: Params) -> Response {
    let admitted = admit(&params).unwrap();
    let mut request = Request::new(params.query).variables(params.variables);
    request.operation_name = params.operation_name;
    request.set_parsed_query(admitted.asked.document.clone());
    block_on(schema.execute(request))
}

fn admit(params: &Params) -> Result<Admitted, Refusal> {
    static GUARD: LazyLock<Guard> =
        LazyLock::new(|| Guard::new(Limits::default(), &parse_schema(schema().sdl()).unwrap()));
    GUARD.admit(params)
}

fn schema() -> Schema<Query, EmptyMutation, EmptySubscription> {
    Schema::build(Query, EmptyMutation, EmptySubscription).limit_recursive_depth(64).finish()
}

#[test]
fn nested_literals_are_refused_at_every_depth() {
    type Build = fn(&str, &str) -> String;
    let wrappers = [("[", "]"), ("{l:", "}"), ("[{l:", "}]")];
    let places: [Build; 4] = [
        |open, close| format!("{{__typename(x:{open}1{close})}}"),
        |open, close| format!("{{__typename @skip(if:{open}1{close})}}"),
        |open, close| format!("query($v:Int={open}1{close}){{__typename}}"),
        |open, close| format!("fragment F on Query @d(x:{open}1{close}){{b}} {{b}}"),
    ];
    for levels in [41, 500, 1_000, 2_000, 5_000, 7_500, 10_000] {
        for (open, close) in wrappers {
            for place in places {
                assert_too_complex(place(&open.repeat(levels), &close.repeat(levels)));
            }
        }
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        assert_too_complex(format!("query($v:{open}Int{close}){{b}}"));
        assert_too_complex("{a".repeat(levels) + &"}".repeat(levels));
        assert_too_complex("{...".repeat(levels) + "{b}" + &"}".repeat(levels));
        assert_too_complex("[".repeat(levels));
    }
}

#[test]
fn fragment_bombs_are_refused() {
    for (levels, width) in [(22, 2), (49, 2), (10, 40), (3, 400)] {
        let mut source = "{...F0}".to_owned();
        for level in 0..levels {
            let spreads = format!("...F{} ", level + 1).repeat(width);
            source += &format!("fragment F{level} on Query{{{spreads}}}");
        }
        assert_too_complex(source + &format!("fragment F{levels} on Query{{__typename}}"));
    }
}

#[test]
fn fragment_cycles_are_refused() {
    let ring = |length: usize| {
        let link = |it| format!("fragment F{it} on Query{{...F{0} ...F{0}}}", (it + 1) % length);
        "{...F0}".to_owned() + &(0..length).map(link).collect::<String>()
    };
    for length in [1, 2, 7, 50] {
        assert!(refused(ring(length)).message.ends_with("spreads itself"));
    }
    assert_too_complex(ring(51));
}

#[test]
fn repetition_is_refused() {
    assert_too_complex(format!("{{{}}}", "x:b ".repeat(10_000)));
    assert_too_complex(format!("{{a{{{}}}}}", "b ".repeat(1_990)));
    assert_too_complex(format!("{{b {}}}", "@skip(if:false)".repeat(300)));
    let operations = (0..400).map(|it| format!("query Q{it}{{b}}"));
    assert_too_complex(operations.collect());
    let fragments = (0..300).map(|it| format!("fragment F{it} on Query{{b}}"));
    assert_too_complex("{b}".to_owned() + &fragments.collect::<String>());
    assert_too_complex(format!("{{a(x:[{}])}}", "0".repeat(20_000)));
    assert_too_complex(format!("{{a(x:[{}])}}", "true".repeat(8_000)));
    assert_too_complex(format!("{{a(x:[{}])}}", "\"\"".repeat(10_000)));
}

#[test]
fn variables_that_multiply_are_refused() {
    let used = format!("query($v:[Int]){{a(x:[{}])}}", "$v ".repeat(600));
    let large = Variables::from_value(value!({ "v": vec![1; 9_000] }));

    let refusal = admit(&Params { variables: large, ..Params::of(used) });

    assert!(refusal.unwrap_err().message.starts_with("variable size"));
}

#[test]
fn what_is_let_through_at_the_limits_runs_on_a_small_stack() {
    let nested = |open: &str, close: &str| (open.repeat(36), close.repeat(36));
    let (lists, lists_end) = nested("[", "]");
    let (trees, trees_end) = nested("{left:", "}");
    let (inline, inline_end) = nested("...{", "}");
    let documents = [
        format!("{{a(x:{lists}1{lists_end}){{b}}}}"),
        format!("{{a(tree:{trees}null{trees_end}){{b}}}}"),
        format!("query($v:Tree={trees}null{trees_end}){{a(tree:$v){{b}}}}"),
        format!("{{a{{{inline}b{inline_end}}}}}"),
        format!("{{a{{{}}}}}", "b ".repeat(499)),
        format!("{}b{}", "{a".repeat(14) + "{", "}".repeat(15)),
    ];
    for document in documents {
        let response = on_a_small_stack(|| execute(&schema(), Params::of(document)));
        assert_eq!(response.errors, []);
    }
}

#[test]
fn the_lexer_counts_no_less_than_the_parser_finds() {
    let mut compared = 0;
    for source in documents(600) {
        let (Ok(tally), Ok(document)) = (lexer::tally(&source), parse_query(&source)) else {
            continue;
        };
        let written = format!("{document:?}");
        let found = ["Field(", "FragmentSpread(", "String(", "Number("];
        let found: usize = found.iter().map(|it| written.matches(it).count()).sum();
        assert!(tally.tokens > found, "{source}");
        compared += 1;
    }
    assert!(compared > 100, "only {compared} documents were parsed");
}

#[test]
fn what_the_guard_lets_through_the_engine_survives() {
    let (done, finished) = mpsc::channel();
    on_a_small_stack(move || {
        let (schema, mut passed, mut slowest) = (schema(), 0, Duration::ZERO);
        for source in documents(1_000) {
            let params = Params::of(source);
            if admit(&params).is_ok() {
                let start = Instant::now();
                execute(&schema, params);
                slowest = slowest.max(start.elapsed());
                passed += 1;
            }
        }
        done.send((passed, slowest)).unwrap();
    });
    let (passed, slowest) = finished.recv().unwrap();
    assert!(passed > 100, "only {passed} documents were let through");
    assert!(slowest < Duration::from_secs(1), "one took {slowest:?}");
}

fn refused(source: String) -> Refusal {
    on_a_small_stack(|| {
        let start = Instant::now();
        let refusal = admit(&Params::of(source)).unwrap_err();
        assert!(start.elapsed() < Duration::from_millis(200), "took {:?}", start.elapsed());
        refusal
    })
}

fn assert_too_complex(source: String) {
    let shown: String = source.chars().take(60).collect();
    let refusal = refused(source);
    assert!(refusal.message.contains("exceeds the limit of"), "{shown}: {}", refusal.message);
}

/// Documents grown from the grammar, some of them damaged, the same on every run.
fn documents(count: usize) -> impl Iterator<Item = String> {
    (0..count as u64)
        .map(|seed| Growth { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) }.document())
}

struct Growth {
    state: u64,
}

impl Growth {
    fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.state >> 33) % bound
    }

    fn pick(&mut self, choices: &[&str]) -> String {
        choices[self.below(choices.len() as u64) as usize].to_owned()
    }

    fn document(&mut self) -> String {
        let head =
            self.pick(&["", "query", "query Q", "query Q($v: Int = 1)", "query Q($v:[Int]=[[1]])"]);
        let depth = self.below(5);
        let mut source = format!("{head} {{ {} }}", self.selections(depth));
        for fragment in 0..self.below(4) {
            let depth = self.below(3);
            source += &format!(" fragment F{fragment} on Query {{ {} }}", self.selections(depth));
        }
        if self.below(3) == 0 { self.damage(&source) } else { source }
    }

    fn selections(&mut self, depth: u64) -> String {
        (0..=self.below(3)).map(|_| self.selection(depth) + " ").collect()
    }

    fn selection(&mut self, depth: u64) -> String {
        let Some(depth) = depth.checked_sub(1) else {
            return self.pick(&[
                "b",
                "__typename",
                "x: b",
                "b @skip(if: false)",
                "a",
                "...F0",
                "...F1 ...F2",
            ]);
        };
        let inner = self.selections(depth);
        match self.below(4) {
            0 => format!("... {{ {inner} }}"),
            1 => format!("... on Query @include(if: true) {{ {inner} }}"),
            2 => {
                format!("y: a({}: {}) {{ {inner} }}", self.pick(&["x", "n", "list"]), self.value(4))
            }
            _ => format!("a {{ {inner} }}"),
        }
    }

    fn value(&mut self, depth: u64) -> String {
        let Some(depth) = depth.checked_sub(1) else {
            return self.pick(&[
                "1",
                "-0.5e3",
                "\"{[(\"",
                "\"\"\" \\\"\"\" # { \"\"\"",
                "$v",
                "true",
                "null",
                "E",
                "\"\\\"\"",
            ]);
        };
        match self.below(3) {
            0 => format!(
                "[{}{}, {}]",
                self.value(depth),
                self.pick(&["", " # [ \n"]),
                self.value(depth)
            ),
            1 => format!("{{ left: {} , list: {} }}", self.value(depth), self.value(depth)),
            _ => self.value(0),
        }
    }

    /// Cuts, doubles or replaces at a random place.
    fn damage(&mut self, source: &str) -> String {
        let at = self.below(source.len() as u64) as usize;
        let (before, after) = source.split_at(source.floor_char_boundary(at));
        match self.below(4) {
            0 => before.to_owned(),
            1 => format!("{before}{after}{after}"),
            2 => before.to_owned() + after.get(1..).unwrap_or_default(),
            _ => {
                before.to_owned()
                    + &self.pick(&["\"", "\"\"\"", "#", "[", "}", "...", "\\", "ñ", "\u{feff}"])
                    + after
            }
        }
    }
}
