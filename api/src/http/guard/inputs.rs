use std::collections::HashMap;

use async_graphql::{
    Value, Variables,
    parser::types::{
        BaseType, OperationDefinition, ServiceDocument, Type, TypeKind, TypeSystemDefinition,
    },
};

/// The types of a schema that variables may have.
pub struct Inputs(HashMap<String, Fields>);

/// Those of an input object with their types; nothing is known of what stands in a scalar.
type Fields = Option<HashMap<String, String>>;

impl Inputs {
    pub fn of(schema: &ServiceDocument) -> Self {
        let built_in =
            ["Boolean", "Float", "ID", "Int", "String"].map(|name| (name.to_owned(), None));
        let defined = schema.definitions.iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(defined) => {
                let fields = fields(&defined.node.kind)?;
                Some((defined.node.name.node.to_string(), fields))
            }
            _ => None,
        });
        Self(defined.chain(built_in).collect())
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether the objects among the variables have no fields but those of their types: the engine
    /// looks at that only while it checks the document.
    pub fn know(&self, operation: &OperationDefinition, variables: &Variables) -> bool {
        operation.variable_definitions.iter().all(|variable| {
            let value = variables.get(&variable.node.name.node);
            value.is_none_or(|value| self.fits(value, base(&variable.node.var_type.node)))
        })
    }

    /// The guard has bounded how deep values go.
    fn fits(&self, value: &Value, name: &str) -> bool {
        match value {
            Value::List(items) => items.iter().all(|item| self.fits(item, name)),
            Value::Object(members) => match self.0.get(name) {
                Some(Some(fields)) => members.iter().all(|(key, member)| {
                    fields.get(key.as_str()).is_some_and(|of| self.fits(member, of))
                }),
                _ => true,
            },
            _ => true,
        }
    }
}

/// The name of a type without its brackets.
pub fn base(mut of: &Type) -> &str {
    loop {
        match &of.base {
            BaseType::Named(name) => return name.as_str(),
            BaseType::List(item) => of = item,
        }
    }
}

fn fields(kind: &TypeKind) -> Option<Fields> {
    match kind {
        TypeKind::Scalar | TypeKind::Enum(_) => Some(None),
        TypeKind::InputObject(object) => {
            let fields = object.fields.iter().map(|field| &field.node);
            let named = fields.map(|it| (it.name.node.to_string(), base(&it.ty.node).to_owned()));
            Some(Some(named.collect()))
        }
        _ => None,
    }
}
