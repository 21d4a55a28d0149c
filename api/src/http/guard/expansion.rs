//! The size of an operation with its fragments spread, found without spreading them: a fragment is
//! measured once and its size added wherever it is used. What doubles at each of fifty levels is
//! thus counted (saturating) in the time that it takes to read the document.

use std::{collections::HashMap, convert::Infallible};

use async_graphql::{
    Name, Positioned, Value, Variables,
    parser::types::{
        Directive, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection,
        SelectionSet,
    },
};

/// What an operation, or a part of it, comes to when its fragments are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub fields: usize,
    pub aliases: usize,
    pub directives: usize,
    /// Memory of the variables, each counted as often as it is used.
    pub variable_bytes: usize,
    /// Fields that are not below another one.
    pub root_fields: usize,
    /// The longest chain of fields.
    pub depth: usize,
    /// The most selection sets open at once.
    pub nesting: usize,
}

/// A fragment that spreads itself, by itself or through others.
#[derive(Debug, PartialEq, Eq)]
pub struct Cycle<'a>(pub &'a str);

pub struct Expansion<'a> {
    document: &'a ExecutableDocument,
    variables: HashMap<&'a str, usize>,
    fragments: HashMap<&'a str, Size>,
}

/// A fragment that must be measured first.
struct Unmeasured<'a>(&'a str);

impl<'a> Expansion<'a> {
    /// Measures every fragment, those that nothing uses too.
    pub fn of(document: &'a ExecutableDocument, values: &'a Variables) -> Result<Self, Cycle<'a>> {
        let variables = variable_sizes(document, values);
        let mut expansion = Self { document, variables, fragments: HashMap::new() };
        for name in document.fragments.keys() {
            expansion.measure_fragment(name)?;
        }
        Ok(expansion)
    }

    pub fn measure(&self, operation: &'a OperationDefinition) -> Size {
        let definitions = &operation.variable_definitions;
        let own = definitions.iter().map(|variable| self.directives(&variable.node.directives));
        let own = own.fold(self.directives(&operation.directives), Size::and);
        self.selection_set(&operation.selection_set.node).unwrap_or_default().and(own)
    }

    /// Measures a fragment after all that it spreads, keeping the way there in a list of its own:
    /// chains of fragments do not use the stack.
    fn measure_fragment(&mut self, name: &'a str) -> Result<(), Cycle<'a>> {
        let mut pending = vec![name];
        while let Some(&name) = pending.last() {
            if self.fragments.contains_key(name) {
                pending.pop();
                continue;
            }
            match self.fragment(&self.document.fragments[name].node) {
                Ok(size) => {
                    self.fragments.insert(name, size);
                }
                Err(Unmeasured(next)) if pending.contains(&next) => return Err(Cycle(next)),
                Err(Unmeasured(next)) => pending.push(next),
            }
        }
        Ok(())
    }

    fn fragment(&self, fragment: &'a FragmentDefinition) -> Result<Size, Unmeasured<'a>> {
        let inner = self.selection_set(&fragment.selection_set.node)?;
        Ok(inner.and(self.directives(&fragment.directives)))
    }

    /// Recurses as deep as the document is nested, which is bounded before it is parsed.
    fn selection_set(&self, selections: &'a SelectionSet) -> Result<Size, Unmeasured<'a>> {
        let mut total = Size::default();
        for selection in &selections.items {
            let size = match &selection.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::InlineFragment(inline) => {
                    self.selection_set(&inline.node.selection_set.node)?
                }
                Selection::FragmentSpread(spread) => {
                    self.spread(&spread.node.fragment_name.node)?
                }
            };
            total = total.and(size);
            if !matches!(selection.node, Selection::Field(_)) {
                total = total.and(self.directives(selection.node.directives()));
            }
        }
        total.nesting += 1;
        Ok(total)
    }

    fn field(&self, field: &'a Field) -> Result<Size, Unmeasured<'a>> {
        let below = match field.selection_set.node.items.is_empty() {
            true => Size::default(),
            false => self.selection_set(&field.selection_set.node)?,
        };
        let mut variable_bytes = 0;
        for (_, argument) in &field.arguments {
            let Ok(_) = argument.node.clone().into_const_with(self.adding_to(&mut variable_bytes));
        }
        let own = Size {
            fields: 1,
            aliases: usize::from(field.alias.is_some()),
            variable_bytes,
            ..Size::default()
        };
        let total = below.and(own).and(self.directives(&field.directives));
        Ok(Size { root_fields: 1, depth: below.depth + 1, ..total })
    }

    /// An unknown fragment is left to validation, and counted as a field.
    fn spread(&self, name: &'a str) -> Result<Size, Unmeasured<'a>> {
        match self.fragments.get(name) {
            Some(size) => Ok(*size),
            None if self.document.fragments.contains_key(name) => Err(Unmeasured(name)),
            None => Ok(Size { fields: 1, ..Size::default() }),
        }
    }

    fn directives(&self, directives: &'a [Positioned<Directive>]) -> Size {
        let mut variable_bytes = 0;
        for (_, argument) in directives.iter().flat_map(|directive| &directive.node.arguments) {
            let Ok(_) = argument.node.clone().into_const_with(self.adding_to(&mut variable_bytes));
        }
        Size { directives: directives.len(), variable_bytes, ..Size::default() }
    }

    /// Stands in for the variables of an argument, and adds up what they take.
    fn adding_to(&self, bytes: &mut usize) -> impl FnMut(Name) -> Result<Value, Infallible> {
        |name| {
            let size = self.variables.get(name.as_str()).copied().unwrap_or(0);
            *bytes = bytes.saturating_add(size);
            Ok(Value::Null)
        }
    }
}

impl Size {
    fn and(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            variable_bytes: self.variable_bytes.saturating_add(other.variable_bytes),
            root_fields: self.root_fields.saturating_add(other.root_fields),
            depth: self.depth.max(other.depth),
            nesting: self.nesting.max(other.nesting),
        }
    }
}

/// What each variable takes: its value, or the largest default that an operation gives it.
fn variable_sizes<'a>(
    document: &'a ExecutableDocument,
    values: &'a Variables,
) -> HashMap<&'a str, usize> {
    let given = values.iter().map(|(name, value)| (name.as_str(), bytes(value)));
    let mut sizes: HashMap<_, _> = given.collect();
    for (_, operation) in document.operations.iter() {
        for variable in &operation.node.variable_definitions {
            if let Some(default) = &variable.node.default_value {
                let size = sizes.entry(variable.node.name.node.as_str()).or_default();
                *size = bytes(&default.node).max(*size);
            }
        }
    }
    sizes
}

fn bytes(value: &Value) -> usize {
    let inner: usize = match value {
        Value::String(text) => text.len(),
        Value::List(items) => items.iter().map(bytes).sum(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len() + bytes(value)).sum()
        }
        _ => 0,
    };
    size_of::<Value>() + inner
}

#[cfg(test)]
mod tests {
    use async_graphql::{parser::parse_query, value};

    use super::*;

    fn size(source: &str) -> Size {
        let (document, variables) = (parse_query(source).unwrap(), Variables::default());
        let expansion = Expansion::of(&document, &variables).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        expansion.measure(&operation.node)
    }

    #[test]
    fn counts_fragments_as_often_as_they_are_spread() {
        let size = size(
            "query @a { ...F x: a { ...F @b ... { __typename } ... @b { ...F } } }
             fragment F on Q @c { y: b @d c { d } }",
        );

        assert_eq!(
            size,
            Size {
                fields: 11,
                aliases: 4,
                directives: 9,
                variable_bytes: 0,
                root_fields: 3,
                depth: 3,
                nesting: 5
            }
        );
    }

    #[test]
    fn a_bomb_is_measured_not_walked() {
        let mut source = "{ ...F0 }".to_owned();
        for level in 0..49 {
            let next = level + 1;
            source += &format!(" fragment F{level} on Q {{ ...F{next} ...F{next} }}");
        }
        source += " fragment F49 on Q { ...F50 ...F50 } fragment F50 on Q { a a a a a a a a }";

        let size = size(&source);

        assert_eq!(size.fields, 8 << 50);
        assert_eq!(size.nesting, 52);
        assert_eq!(size.depth, 1);
    }

    #[test]
    fn finds_cycles_in_fragments_that_nothing_uses() {
        let variables = Variables::default();
        for source in [
            "{ a } fragment F on Q { ...F }",
            "{ ...F } fragment F on Q { a { ...G } } fragment G on Q { ... { ...F } }",
        ] {
            let document = parse_query(source).unwrap();
            assert!(Expansion::of(&document, &variables).is_err(), "{source}");
        }
    }

    #[test]
    fn counts_variables_as_often_as_they_are_used() {
        let source = "query($v: [Int] = [1], $w: Int) { ...F ...F b(x: [$v, { y: $v }]) @d(z: $v) }
                      fragment F on Q { a(x: $w) }";
        let document = parse_query(source).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let node = size_of::<Value>();

        let defaulted = Variables::default();
        let size = Expansion::of(&document, &defaulted).unwrap().measure(&operation.node);
        assert_eq!(size.variable_bytes, 3 * 2 * node);

        let given = Variables::from_value(value!({ "v": [1, 2, "three"], "w": 1 }));
        let size = Expansion::of(&document, &given).unwrap().measure(&operation.node);
        assert_eq!(size.variable_bytes, 3 * (4 * node + 5) + 2 * node);
    }
}
