use async_graphql::parser::types::Field;
use domain::page::{Page, PageKey, PageRequest, Sort};

use super::{
    Leave, Reader,
    arguments::Arguments,
    json::Pieces,
    selection::Compiler,
    shape::{Record, Shape},
};

/// What of a page is asked for, in which order.
pub(super) struct PageShape<T> {
    arguments: Arguments,
    members: Vec<(String, Member<T>)>,
}

enum Member<T> {
    Typename(String),
    TotalCount,
    PageInfo(Vec<(String, Info)>),
    Nodes(Shape<T>),
    Edges(Vec<(String, EdgeMember<T>)>),
}

enum Info {
    Typename,
    HasNextPage,
    HasPreviousPage,
    StartCursor,
    EndCursor,
}

enum EdgeMember<T> {
    Typename(String),
    Cursor,
    Node(Shape<T>),
}

/// The pieces that a page needs, written before the page is.
enum Written {
    Nothing,
    Nodes(Pieces),
    Edges(Vec<Option<Pieces>>),
}

impl<T: Record> PageShape<T> {
    pub fn of(field: &Field, compiler: &Compiler<'_>) -> Option<Self> {
        let of = format!("{}Connection", T::TYPE);
        let mut members = Vec::new();
        for (key, field) in compiler.fields(&of, &field.selection_set.node)? {
            let member = match field.name.node.as_str() {
                "__typename" => Member::Typename(of.clone()),
                "totalCount" => Member::TotalCount,
                "pageInfo" => Member::PageInfo(infos(field, compiler)?),
                "nodes" => Member::Nodes(Shape::of(field, &compiler.in_list())?),
                "edges" => Member::Edges(edges(field, compiler)?),
                _ => return None,
            };
            members.push((key, member));
        }
        Some(Self { arguments: Arguments::of(field), members })
    }

    pub fn arguments(&self) -> &Arguments {
        &self.arguments
    }

    /// The page that is asked for.
    pub fn request(&self, sort: Sort, reader: &Reader<'_>) -> Result<PageRequest, Leave> {
        let first: Option<i32> = self.arguments.get("first", reader)?;
        let after = self.arguments.get("after", reader)?;
        let count = self.members.iter().any(|(_, member)| matches!(member, Member::TotalCount));
        Ok(PageRequest::new(first.map(Into::into), after, count)?.sorted(sort)?)
    }

    /// The page as an object; `key` tells where an item stands in the list.
    pub async fn write(
        &self,
        page: &Page<T>,
        key: impl Fn(&T) -> PageKey,
        reader: &Reader<'_>,
    ) -> Result<Pieces, Leave> {
        let mut written = Vec::new();
        for (_, member) in &self.members {
            written.push(match member {
                Member::Nodes(shape) => Written::Nodes(shape.write(&page.items, reader).await?),
                Member::Edges(members) => Written::Edges(nodes(members, page, reader).await?),
                _ => Written::Nothing,
            });
        }
        let mut pieces = Pieces::default();
        pieces.begin();
        for ((name, member), written) in self.members.iter().zip(&written) {
            pieces.key(name);
            match (member, written) {
                (Member::Typename(name), _) => pieces.word(name),
                (Member::TotalCount, _) => pieces.plain(page.total.unwrap_or(0)),
                (Member::PageInfo(infos), _) => write_info(infos, page, &key, &mut pieces),
                (_, Written::Nodes(nodes)) => pieces.list(nodes),
                (Member::Edges(members), Written::Edges(nodes)) => {
                    pieces.items(page.items.len(), |pieces, at| {
                        let cursor = || key(&page.items[at]).encode();
                        pieces.nested(|pieces| write_edge(members, nodes, at, cursor, pieces));
                    });
                }
                _ => return Err(Leave::Untried),
            }
        }
        pieces.end();
        Ok(pieces)
    }
}

fn infos(field: &Field, compiler: &Compiler<'_>) -> Option<Vec<(String, Info)>> {
    let fields = compiler.fields("PageInfo", &field.selection_set.node)?;
    let infos = fields.into_iter().map(|(key, field)| {
        let info = match field.name.node.as_str() {
            "__typename" => Info::Typename,
            "hasNextPage" => Info::HasNextPage,
            "hasPreviousPage" => Info::HasPreviousPage,
            "startCursor" => Info::StartCursor,
            "endCursor" => Info::EndCursor,
            _ => return None,
        };
        Some((key, info))
    });
    infos.collect()
}

fn edges<T: Record>(
    field: &Field,
    compiler: &Compiler<'_>,
) -> Option<Vec<(String, EdgeMember<T>)>> {
    let of = format!("{}Edge", T::TYPE);
    let fields = compiler.fields(&of, &field.selection_set.node)?;
    let members = fields.into_iter().map(|(key, field)| {
        let member = match field.name.node.as_str() {
            "__typename" => EdgeMember::Typename(of.clone()),
            "cursor" => EdgeMember::Cursor,
            "node" => EdgeMember::Node(Shape::of(field, &compiler.in_list())?),
            _ => return None,
        };
        Some((key, member))
    });
    members.collect()
}

async fn nodes<T: Record>(
    members: &[(String, EdgeMember<T>)],
    page: &Page<T>,
    reader: &Reader<'_>,
) -> Result<Vec<Option<Pieces>>, Leave> {
    let mut nodes = Vec::new();
    for (_, member) in members {
        nodes.push(match member {
            EdgeMember::Node(shape) => Some(shape.write(&page.items, reader).await?),
            EdgeMember::Typename(_) | EdgeMember::Cursor => None,
        });
    }
    Ok(nodes)
}

fn write_edge<T>(
    members: &[(String, EdgeMember<T>)],
    nodes: &[Option<Pieces>],
    at: usize,
    cursor: impl Fn() -> String,
    pieces: &mut Pieces,
) {
    for ((name, member), node) in members.iter().zip(nodes) {
        pieces.key(name);
        match (member, node) {
            (EdgeMember::Typename(name), _) => pieces.word(name),
            (_, Some(node)) => pieces.object(node, Some(at)),
            _ => pieces.text(&cursor()),
        }
    }
}

fn write_info<T>(
    infos: &[(String, Info)],
    page: &Page<T>,
    key: impl Fn(&T) -> PageKey,
    pieces: &mut Pieces,
) {
    let cursor = |item: Option<&T>, pieces: &mut Pieces| match item {
        Some(item) => pieces.text(&key(item).encode()),
        None => pieces.null(),
    };
    pieces.nested(|pieces| {
        for (name, info) in infos {
            pieces.key(name);
            match info {
                Info::Typename => pieces.word("PageInfo"),
                Info::HasNextPage => pieces.plain(page.has_next),
                Info::HasPreviousPage => pieces.plain(false),
                Info::StartCursor => cursor(page.items.first(), pieces),
                Info::EndCursor => cursor(page.items.last(), pieces),
            }
        }
    });
}
