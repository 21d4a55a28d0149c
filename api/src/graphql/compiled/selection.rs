use async_graphql::{
    Positioned,
    parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet},
};

/// Fragments and what applies of them.
#[derive(Clone, Copy)]
pub(super) struct Compiler<'a> {
    document: &'a ExecutableDocument,
    /// Whether what is compiled stands below a list.
    pub in_list: bool,
}

/// The fields of an object by their response keys, in the order of the document.
pub(super) type Fields<'a> = Vec<(String, &'a Field)>;

impl<'a> Compiler<'a> {
    pub fn new(document: &'a ExecutableDocument) -> Self {
        Self { document, in_list: false }
    }

    pub fn in_list(self) -> Self {
        Self { in_list: true, ..self }
    }

    /// The fields of an object of this type. None where that depends on a directive, or a field is
    /// asked for twice, whose selections would have to be merged.
    pub fn fields(&self, of: &str, selections: &'a SelectionSet) -> Option<Fields<'a>> {
        let mut fields = Fields::new();
        self.add(&mut fields, of, selections)?;
        Some(fields)
    }

    fn add(&self, fields: &mut Fields<'a>, of: &str, selections: &'a SelectionSet) -> Option<()> {
        for selection in selections.items.iter().map(|it| &it.node) {
            match selection {
                Selection::Field(field) => {
                    plain(&field.node.directives)?;
                    let key = field.node.response_key().node.to_string();
                    if fields.iter().any(|(other, _)| *other == key) {
                        return None;
                    }
                    fields.push((key, &field.node));
                }
                Selection::InlineFragment(inline) => {
                    plain(&inline.node.directives)?;
                    let on = inline.node.type_condition.as_ref().map(|it| it.node.on.node.as_str());
                    if on.is_none_or(|on| applies(on, of)) {
                        self.add(fields, of, &inline.node.selection_set.node)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    plain(&spread.node.directives)?;
                    let fragment =
                        &self.document.fragments.get(&spread.node.fragment_name.node)?.node;
                    plain(&fragment.directives)?;
                    if applies(&fragment.type_condition.node.on.node, of) {
                        self.add(fields, of, &fragment.selection_set.node)?;
                    }
                }
            }
        }
        Some(())
    }
}

fn plain(directives: &[Positioned<Directive>]) -> Option<()> {
    directives.is_empty().then_some(())
}

/// Whether a fragment on a type is for an object. The only interface of those that are known here
/// is `Node`; other objects are met under their own type alone.
fn applies(on: &str, of: &str) -> bool {
    on == of || on == "Node"
}
