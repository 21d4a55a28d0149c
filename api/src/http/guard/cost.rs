//! What an operation may come to, found before it runs: objects that it can answer with, page sizes
//! multiplied through. As with the size, a fragment is priced once, however often it is spread.

use std::collections::HashMap;

use async_graphql::{
    Positioned, Value, Variables,
    parser::types::{
        BaseType, ExecutableDocument, Field, FieldDefinition, OperationDefinition, OperationType,
        Selection, SelectionSet, ServiceDocument, Type, TypeKind, TypeSystemDefinition,
    },
};

/// Every operation costs something.
pub const OPERATION: usize = 10;
/// A change costs more than an object.
const MUTATION: u64 = 10;
const INTROSPECTION: u64 = 1_000;
/// What a list is taken to hold whose size is not in the document.
const LIST: u64 = 10;
const PAGE: u64 = 20;
const LARGEST_PAGE: u64 = 100;

/// What is known of the fields of a schema.
pub struct Prices {
    types: HashMap<String, HashMap<String, Shape>>,
}

/// What the selection below a field is multiplied by.
struct Shape {
    below: String,
    is_list: bool,
    /// It takes `first`: the lists right below it are as long as that says.
    is_paged: bool,
    /// It takes `ids`, and answers with one thing for each.
    by_ids: bool,
}

/// One operation being priced.
struct Quote<'a> {
    prices: &'a Prices,
    document: &'a ExecutableDocument,
    values: &'a Variables,
    defaults: HashMap<&'a str, &'a Value>,
    /// By the length of the page that they are spread in.
    fragments: HashMap<(&'a str, Option<u64>), u64>,
}

impl Prices {
    pub fn of(schema: &ServiceDocument) -> Self {
        let types = schema.definitions.iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(defined) => {
                let fields = match &defined.node.kind {
                    TypeKind::Object(object) => &object.fields,
                    TypeKind::Interface(interface) => &interface.fields,
                    _ => return None,
                };
                let shapes = fields.iter().map(|field| shape(&field.node)).collect();
                Some((defined.node.name.node.to_string(), shapes))
            }
            _ => None,
        });
        Self { types: types.collect() }
    }

    /// The cost of an operation whose size is bounded and whose fragments are no cycle.
    pub fn quote(
        &self,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        values: &Variables,
    ) -> usize {
        let defaults = operation.variable_definitions.iter().filter_map(|variable| {
            let default = variable.node.default_value.as_ref()?;
            Some((variable.node.name.node.as_str(), &default.node))
        });
        let (defaults, fragments) = (defaults.collect(), HashMap::new());
        let mut quote = Quote { prices: self, document, values, defaults, fragments };
        let root = match operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        let selected = quote.select(root, &operation.selection_set.node, None);
        OPERATION.saturating_add(usize::try_from(selected).unwrap_or(usize::MAX))
    }
}

impl<'a> Quote<'a> {
    /// `page` is how long the lists are that stand right here, where that is known. Recurses as
    /// deep as the document is nested with its fragments spread, which is bounded.
    fn select(&mut self, parent: &str, selections: &'a SelectionSet, page: Option<u64>) -> u64 {
        let costs = selections.items.iter().map(|selection| match &selection.node {
            Selection::Field(field) => self.field(parent, &field.node, page),
            Selection::InlineFragment(inline) => {
                let on = inline.node.type_condition.as_ref();
                let on = on.map_or(parent, |condition| condition.node.on.node.as_str());
                self.select(on, &inline.node.selection_set.node, page)
            }
            Selection::FragmentSpread(spread) => {
                self.fragment(spread.node.fragment_name.node.as_str(), page)
            }
        });
        costs.fold(0, u64::saturating_add)
    }

    fn fragment(&mut self, name: &'a str, page: Option<u64>) -> u64 {
        if let Some(known) = self.fragments.get(&(name, page)) {
            return *known;
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return 0;
        };
        let on = fragment.node.type_condition.node.on.node.as_str();
        let cost = self.select(on, &fragment.node.selection_set.node, page);
        self.fragments.insert((name, page), cost);
        cost
    }

    fn field(&mut self, parent: &str, field: &'a Field, page: Option<u64>) -> u64 {
        let name = field.name.node.as_str();
        let selections = &field.selection_set.node;
        let own = match (parent, selections.items.is_empty()) {
            _ if name == "__schema" || name == "__type" => return INTROSPECTION,
            ("Mutation", _) => MUTATION,
            (_, true) => 0,
            (_, false) => 1,
        };
        let prices = self.prices;
        let Some(shape) = prices.types.get(parent).and_then(|fields| fields.get(name)) else {
            return own;
        };
        let length = shape.is_paged.then(|| self.page(field));
        let each = self.select(&shape.below, selections, length).saturating_add(own);
        match (shape.is_list, page) {
            (false, _) => each,
            (true, _) if shape.by_ids => each.saturating_mul(self.ids(field)),
            (true, page) => each.saturating_mul(page.unwrap_or(LIST)),
        }
    }

    fn page(&self, field: &'a Field) -> u64 {
        match self.argument(field, "first") {
            Some(Value::Number(first)) => {
                first.as_u64().map_or(LARGEST_PAGE, |first| first.clamp(1, LARGEST_PAGE))
            }
            _ => PAGE,
        }
    }

    fn ids(&self, field: &'a Field) -> u64 {
        match self.argument(field, "ids") {
            Some(Value::List(ids)) => u64::try_from(ids.len()).unwrap_or(u64::MAX),
            _ => LIST,
        }
    }

    fn argument(&self, field: &'a Field, name: &str) -> Option<Value> {
        let given = field.arguments.iter().find(|(argument, _)| argument.node == name)?;
        let value = given.1.node.clone().into_const_with(|variable| {
            let value = self.values.get(&variable);
            let value = value.or_else(|| self.defaults.get(variable.as_str()).copied());
            Ok::<_, std::convert::Infallible>(value.cloned().unwrap_or_default())
        });
        let Ok(value) = value;
        Some(value)
    }
}

fn shape(field: &FieldDefinition) -> (String, Shape) {
    let takes = |name: &str| field.arguments.iter().any(|argument| argument.node.name.node == name);
    let Positioned { node: Type { base, .. }, .. } = &field.ty;
    let (below, is_list) = match base {
        BaseType::Named(name) => (name.to_string(), false),
        BaseType::List(item) => (innermost(item), true),
    };
    let shape = Shape { below, is_list, is_paged: takes("first"), by_ids: takes("ids") };
    (field.name.node.to_string(), shape)
}

fn innermost(item: &Type) -> String {
    match &item.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(item) => innermost(item),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{
        parser::{parse_query, parse_schema},
        value,
    };

    use super::*;

    const SCHEMA: &str = "
        type Query { orders(first: Int): Orders nodes(ids: [ID!]!): [Order]! order: Order n: Int }
        type Mutation { pay: Order }
        type Orders { edges: [Edge!]! nodes: [Order!]! totalCount: Int pageInfo: Info }
        type Edge { node: Order } type Info { next: Int }
        type Order { id: ID pods: [Pod!]! runs(first: Int): Orders } type Pod { name: String }";

    fn cost_with(query: &str, values: Value) -> u64 {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let prices = Prices::of(&parse_schema(SCHEMA).unwrap());
        let cost = prices.quote(&document, &operation.node, &Variables::from_value(values));
        u64::try_from(cost - OPERATION).unwrap()
    }

    fn cost(query: &str) -> u64 {
        cost_with(query, Value::Null)
    }

    #[test]
    fn objects_cost_and_values_do_not() {
        assert_eq!(cost("{ n __typename }"), 0);
        assert_eq!(cost("{ order { id } o: order { id } }"), 2);
        assert_eq!(cost("mutation { pay { id } }"), 10);
        assert_eq!(cost("{ __schema { types { name } } }"), 1_000);
    }

    #[test]
    fn pages_are_multiplied_through() {
        assert_eq!(cost("{ orders(first: 5) { nodes { id } pageInfo { next } } }"), 1 + 5 + 1);
        assert_eq!(cost("{ orders { edges { node { id } } totalCount } }"), 1 + 20 * 2);
        let nested = "{ orders(first: 100) { nodes { runs(first: 50) { nodes { id } } } } }";
        assert_eq!(cost(nested), 1 + 100 * (1 + 1 + 50));
        assert_eq!(cost("{ order { pods { name } } }"), 1 + 10);
    }

    #[test]
    fn lengths_may_be_variables_and_unreasonable_ones_are_what_is_served() {
        let query = "query($n: Int = 3) { orders(first: $n) { nodes { id } } }";

        assert_eq!(cost(query), 1 + 3);
        assert_eq!(cost_with(query, value!({ "n": 7 })), 1 + 7);
        assert_eq!(cost_with(query, value!({ "n": 1_000_000 })), 1 + 100);
        assert_eq!(cost_with(query, value!({ "n": -1 })), 1 + 100);
        assert_eq!(cost("{ nodes(ids: [\"a\", \"b\"]) { ... on Order { pods { name } } } }"), 22);
    }

    #[test]
    fn fragments_are_priced_where_they_are_spread() {
        let query = "{ orders(first: 4) { ...C } o: orders(first: 6) { ...C } ...Q }
            fragment C on Orders { nodes { ...O } } fragment O on Order { id pods { name } }
            fragment Q on Query { order { ...O } }";

        assert_eq!(cost(query), 2 + 10 * 11 + 11);
    }

    #[test]
    fn a_bomb_is_priced_not_walked() {
        let mut query = "{ order { ...F0 } }".to_owned();
        for level in 0..40 {
            let next = level + 1;
            query += &format!(
                " fragment F{level} on Order {{ runs(first: 100) {{ nodes {{ ...F{next} }} }} }}"
            );
        }
        query += " fragment F40 on Order { id }";

        assert_eq!(cost(&query), u64::MAX - 10);
    }
}
