//! The engine leaves a field that failed out of its object, whatever the type of the field. The
//! specification wants `null` there or, where the type has no null, in the nearest place around it
//! that has one; typed clients cannot read anything else.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, PathSegment, Response, Value,
    indexmap::IndexMap,
    parser::types::{
        BaseType, ExecutableDocument, Field, OperationType, Selection, SelectionSet,
        ServiceDocument, Type, TypeKind, TypeSystemDefinition,
    },
};

use super::{asked::Asked, guard::select};

/// The types of all fields of a schema.
pub struct Nulls {
    fields: HashMap<String, HashMap<String, Type>>,
}

/// Selection sets of one object, each with the type that it is on.
type Selections<'a> = Vec<(&'a str, &'a SelectionSet)>;

enum Verdict {
    Stays,
    MustBeNull,
}

struct Restoration<'a> {
    nulls: &'a Nulls,
    document: &'a ExecutableDocument,
    /// Places that are null because of something below them, not because they are empty.
    nulled: HashSet<String>,
}

impl Nulls {
    pub fn new(schema: &ServiceDocument) -> Self {
        let fields = schema.definitions.iter().filter_map(|definition| {
            let TypeSystemDefinition::Type(defined) = definition else {
                return None;
            };
            let fields = match &defined.node.kind {
                TypeKind::Object(object) => &object.fields,
                TypeKind::Interface(interface) => &interface.fields,
                _ => return None,
            };
            let types = fields
                .iter()
                .map(|field| (field.node.name.node.to_string(), field.node.ty.node.clone()));
            Some((defined.node.name.node.to_string(), types.collect()))
        });
        Self { fields: fields.collect() }
    }

    /// Puts a null where each error says that something is missing.
    pub fn restore(&self, asked: &Asked, response: &mut Response) {
        let document = &asked.document;
        let Ok(operation) = select(&document.operations, asked.operation_name.as_deref()) else {
            return;
        };
        let root = match operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        let selections = vec![(root, &operation.selection_set.node)];
        let mut restoration = Restoration { nulls: self, document, nulled: HashSet::new() };
        for error in response.errors.iter().filter(|error| !error.path.is_empty()) {
            restoration.restore(&mut response.data, &selections, &error.path);
        }
    }
}

impl<'a> Restoration<'a> {
    fn restore(&mut self, data: &mut Value, selections: &Selections<'a>, path: &[PathSegment]) {
        let verdict = self.field(data, selections, path, 0);
        self.accept(verdict, data, true, &path[..0]);
    }

    /// Follows the path below a value of this type.
    fn value(
        &mut self,
        value: &mut Value,
        ty: &Type,
        selections: &Selections<'a>,
        path: &[PathSegment],
        at: usize,
    ) -> Verdict {
        match path.get(at) {
            None => Verdict::MustBeNull,
            Some(PathSegment::Field(_)) => self.field(value, selections, path, at),
            Some(PathSegment::Index(index)) => {
                let (Value::List(items), BaseType::List(ty)) = (value, &ty.base) else {
                    return Verdict::MustBeNull;
                };
                let Some(item) = items.get_mut(*index) else {
                    return Verdict::MustBeNull;
                };
                let verdict = self.value(item, ty, selections, path, at + 1);
                self.accept(verdict, item, ty.nullable, &path[..=at])
            }
        }
    }

    fn field(
        &mut self,
        object: &mut Value,
        selections: &Selections<'a>,
        path: &[PathSegment],
        at: usize,
    ) -> Verdict {
        let Some(PathSegment::Field(key)) = path.get(at) else {
            return Verdict::Stays;
        };
        if *object == Value::Null && !self.nulled.contains(&place(&path[..at])) {
            *object = Value::Object(IndexMap::new());
        }
        let Value::Object(members) = object else {
            return Verdict::Stays;
        };
        let found = self.fields(selections, key);
        let Some((ty, _)) = found.first() else {
            return Verdict::Stays;
        };
        let nullable = found.iter().any(|(ty, _)| ty.nullable);
        let inner = found.iter().map(|(ty, field)| (named(ty), &field.selection_set.node));
        let member = members.entry(Name::new(key)).or_default();
        let verdict = self.value(member, ty, &inner.collect(), path, at + 1);
        self.accept(verdict, member, nullable, &path[..=at])
    }

    fn accept(
        &mut self,
        verdict: Verdict,
        value: &mut Value,
        nullable: bool,
        path: &[PathSegment],
    ) -> Verdict {
        match verdict {
            Verdict::MustBeNull if nullable => {
                *value = Value::Null;
                self.nulled.insert(place(path));
                Verdict::Stays
            }
            verdict => verdict,
        }
    }

    /// The selected fields that answer under this key, with their types.
    fn fields(&self, selections: &Selections<'a>, key: &str) -> Vec<(&'a Type, &'a Field)> {
        let (mut open, mut found) = (selections.clone(), Vec::new());
        while let Some((on, set)) = open.pop() {
            for selection in &set.items {
                match &selection.node {
                    Selection::Field(field) if field.node.response_key().node == key => {
                        let types = self.nulls.fields.get(on);
                        let ty = types.and_then(|types| types.get(field.node.name.node.as_str()));
                        found.extend(ty.map(|ty| (ty, &field.node)));
                    }
                    Selection::Field(_) => {}
                    Selection::InlineFragment(inline) => {
                        let condition = inline.node.type_condition.as_ref();
                        let on = condition.map_or(on, |condition| &condition.node.on.node);
                        open.push((on, &inline.node.selection_set.node));
                    }
                    Selection::FragmentSpread(spread) => {
                        let fragments = &self.document.fragments;
                        open.extend(fragments.get(&spread.node.fragment_name.node).map(|it| {
                            let on: &str = &it.node.type_condition.node.on.node;
                            (on, &it.node.selection_set.node)
                        }));
                    }
                }
            }
        }
        found
    }
}

fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(item) => named(item),
    }
}

fn place(path: &[PathSegment]) -> String {
    format!("{path:?}")
}

#[cfg(test)]
mod tests {
    use async_graphql::{
        ServerError,
        parser::{parse_query, parse_schema},
        value,
    };

    use super::*;

    const SCHEMA: &str = "
        type Query { open: Item, sure: Item!, list: [Item!]!, gaps: [Item] }
        interface Named { name: String }
        type Item implements Named { name: String, id: ID!, open: Item, sure: Item! }
    ";

    /// What `data` becomes when there are errors at these paths.
    fn restored(query: &str, data: Value, paths: &[&str]) -> Value {
        let mut response = Response::new(data);
        response.errors.extend(paths.iter().map(|path| {
            let segments = path.split('.').map(|segment| match segment.parse() {
                Ok(index) => PathSegment::Index(index),
                Err(_) => PathSegment::Field(segment.to_owned()),
            });
            ServerError::new("refused", None).with_path(segments.collect())
        }));
        let asked = Asked::new(query.to_owned(), parse_query(query).unwrap(), None);
        Nulls::new(&parse_schema(SCHEMA).unwrap()).restore(&asked, &mut response);
        response.data
    }

    #[test]
    fn a_nullable_field_becomes_null() {
        assert_eq!(
            restored("{ a: open { id } b: open { id } }", value!({ "b": { "id": 1 } }), &["a"]),
            value!({ "a": null, "b": { "id": 1 } })
        );
        assert_eq!(restored("{ open { id } }", Value::Null, &["open"]), value!({ "open": null }));
    }

    #[test]
    fn a_required_field_takes_its_object_with_it() {
        let query = "{ open { sure { ...F } } } fragment F on Named { ... on Item { id name } }";

        assert_eq!(
            restored(query, value!({ "open": { "sure": { "name": "x" } } }), &["open.sure.id"]),
            value!({ "open": null })
        );
        assert_eq!(
            restored("{ sure { id name } }", value!({ "sure": { "name": "x" } }), &["sure.id"]),
            Value::Null
        );
    }

    #[test]
    fn items_become_null_where_they_may() {
        let data = value!([{ "name": "x" }, { "name": "y", "id": 1 }]);

        assert_eq!(
            restored("{ gaps { name id } }", value!({ "gaps": data.clone() }), &["gaps.0.id"]),
            value!({ "gaps": [null, { "name": "y", "id": 1 }] })
        );
        assert_eq!(
            restored("{ list { name id } }", value!({ "list": data }), &["list.0.id"]),
            Value::Null
        );
    }

    #[test]
    fn an_object_that_lost_every_field_is_not_null() {
        let paths = ["open.open", "open.name"];

        assert_eq!(
            restored("{ open { open { id } name } }", value!({ "open": null }), &paths),
            value!({ "open": { "open": null, "name": null } })
        );
    }

    #[test]
    fn what_became_null_stays_null() {
        let paths = ["open.id", "open.name", "sure.id", "open.open"];

        assert_eq!(
            restored("{ open { id name open { id } } sure { id } }", Value::Null, &paths[..2]),
            value!({ "open": null })
        );
        assert_eq!(
            restored("{ open { id name open { id } } sure { id } }", Value::Null, &paths),
            Value::Null
        );
    }
}
