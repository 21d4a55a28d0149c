//! The engine writes the fields of an object as they come in. The specification has them in the
//! order of the document, in which people read them and typed clients may parse them.

use async_graphql::{
    Name, Value,
    indexmap::IndexMap,
    parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet},
};

/// The keys of an object in the order in which the document first names them, each with the order
/// of what is below it.
#[derive(Debug, Default)]
pub struct Order(IndexMap<Name, Order>);

impl Order {
    /// The order of an operation that the guard has admitted.
    pub fn of(document: &ExecutableDocument, operation: &OperationDefinition) -> Self {
        let mut order = Self::default();
        order.add(document, &operation.selection_set.node);
        order
    }

    /// Adds no more fields, and goes no deeper, than the guard lets through.
    fn add(&mut self, document: &ExecutableDocument, selections: &SelectionSet) {
        for selection in &selections.items {
            match &selection.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.clone();
                    let below = self.0.entry(key).or_default();
                    below.add(document, &field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => {
                    self.add(document, &inline.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = document.fragments.get(&spread.node.fragment_name.node);
                    if let Some(fragment) = fragment {
                        self.add(document, &fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    /// How many objects an answer holds below its root; values of scalars are none.
    pub fn objects(&self, data: &Value) -> usize {
        match data {
            Value::Object(members) => {
                let below = members
                    .iter()
                    .filter_map(|(key, member)| self.0.get(key).map(|below| below.count(member)));
                below.sum()
            }
            _ => 0,
        }
    }

    fn count(&self, member: &Value) -> usize {
        match member {
            _ if self.0.is_empty() => 0,
            Value::List(items) => items.iter().map(|item| self.count(item)).sum(),
            Value::Object(_) => 1 + self.objects(member),
            _ => 0,
        }
    }

    /// Sorts the objects of an answer. Values of scalars are left as they are.
    pub fn arrange(&self, data: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        match data {
            Value::List(items) => items.iter_mut().for_each(|item| self.arrange(item)),
            Value::Object(members) => {
                let place = |key: &Name| self.0.get_index_of(key);
                if !members.keys().map(place).is_sorted() {
                    members.sort_by_cached_key(|key, _| place(key));
                }
                for (key, member) in members {
                    if let Some(below) = self.0.get(key) {
                        below.arrange(member);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{parser::parse_query, value};

    use super::*;
    use crate::http::guard::select;

    fn order(query: &str) -> Order {
        let document = parse_query(query).unwrap();
        Order::of(&document, select(&document.operations, None).unwrap())
    }

    fn arranged(query: &str, mut data: Value) -> String {
        order(query).arrange(&mut data);
        data.to_string()
    }

    #[test]
    fn fields_come_in_the_order_of_the_document() {
        let data = value!({ "b": { "y": 1, "x": [{ "q": 1, "p": 2 }, null] }, "c": 1, "a": null });

        assert_eq!(
            arranged("{ a c b { x { p q } y } }", data),
            "{a: null, c: 1, b: {x: [{p: 2, q: 1}, null], y: 1}}"
        );
    }

    #[test]
    fn fragments_stand_where_they_are_spread_and_aliases_for_their_fields() {
        let query = "query { ...F one: z ... on T { d { n } } d { m n } }
            fragment F on T { two: z ...G } fragment G on T { three: z }";
        let data = value!({ "d": { "m": 0, "n": 0 }, "three": 0, "two": 0, "one": 0 });

        assert_eq!(arranged(query, data), "{two: 0, three: 0, one: 0, d: {n: 0, m: 0}}");
    }

    #[test]
    fn a_scalar_that_is_an_object_keeps_its_own_order() {
        let data = value!({ "json": { "z": 1, "a": 2 }, "a": 1 });

        assert_eq!(arranged("{ a json }", data), "{a: 1, json: {z: 1, a: 2}}");
    }

    #[test]
    fn objects_of_an_answer_are_counted_and_those_of_scalars_are_not() {
        let data = value!({ "a": [{ "b": { "c": 1 }, "json": { "x": {} } }, null], "n": 1 });

        assert_eq!(order("{ a { b { c } json } n }").objects(&data), 2);
    }
}
