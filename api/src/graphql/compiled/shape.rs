use std::{collections::HashMap, hash::Hash};

use async_graphql::parser::types::Field;
use async_trait::async_trait;
use domain::{ControlPlane, Error};
use futures::future::try_join_all;

use super::{
    Leave, Reader,
    json::Pieces,
    selection::{Compiler, Fields},
};

/// Writes a field of a row.
pub(super) type Leaf<T> = fn(&T, &mut Pieces);

/// A row that is an object of the graph.
pub(super) trait Record: Sized + Send + Sync + 'static {
    const TYPE: &'static str;

    /// A field that is written from the row alone.
    fn leaf(name: &str) -> Option<Leaf<Self>>;
    /// A field that leads to other rows.
    fn edge(field: &Field, compiler: &Compiler<'_>) -> Option<Box<dyn Edge<Self>>>;
}

/// A row that others point at.
#[async_trait]
pub(super) trait Target: Record {
    type Id: Copy + Eq + Hash + Send + Sync;

    fn id(&self) -> Self::Id;
    async fn load(control_plane: &ControlPlane, ids: &[Self::Id]) -> Result<Vec<Self>, Error>;
}

/// From the rows of a level to what is below them.
#[async_trait]
pub(super) trait Edge<T>: Send + Sync {
    async fn load(&self, parents: &[T], reader: &Reader<'_>) -> Result<Below, Leave>;
}

/// What is below the rows of a level: which piece is below which row.
pub(super) struct Below {
    pub pieces: Pieces,
    pub of: Vec<Option<usize>>,
}

/// What of a row is asked for, in which order.
pub(super) struct Shape<T> {
    members: Vec<(String, Member<T>)>,
    edges: Vec<Box<dyn Edge<T>>>,
}

enum Member<T> {
    Typename,
    Leaf(Leaf<T>),
    /// The edge at this place.
    Edge(usize),
}

impl<T: Record> Shape<T> {
    pub fn of(field: &Field, compiler: &Compiler<'_>) -> Option<Self> {
        Self::with(compiler.fields(T::TYPE, &field.selection_set.node)?, compiler)
    }

    /// The engine takes an object of which nothing is asked for null; that is its to say.
    fn with(fields: Fields<'_>, compiler: &Compiler<'_>) -> Option<Self> {
        if fields.is_empty() {
            return None;
        }
        let mut shape = Self { members: Vec::new(), edges: Vec::new() };
        for (key, field) in fields {
            let name = field.name.node.as_str();
            let member = match T::leaf(name) {
                _ if name == "__typename" => Member::Typename,
                Some(leaf) => Member::Leaf(leaf),
                None => {
                    shape.edges.push(T::edge(field, compiler)?);
                    Member::Edge(shape.edges.len() - 1)
                }
            };
            shape.members.push((key, member));
        }
        Some(shape)
    }

    /// Whether all of it is in the row.
    pub fn is_flat(&self) -> bool {
        self.edges.is_empty()
    }

    /// Each row as an object.
    pub async fn write(&self, rows: &[T], reader: &Reader<'_>) -> Result<Pieces, Leave> {
        if rows.is_empty() {
            return Ok(Pieces::default());
        }
        let edges = self.edges.iter().map(|edge| edge.load(rows, reader));
        let below = try_join_all(edges).await?;
        let mut pieces = Pieces::default();
        for (at, row) in rows.iter().enumerate() {
            pieces.begin();
            for (key, member) in &self.members {
                pieces.key(key);
                match member {
                    Member::Typename => pieces.word(T::TYPE),
                    Member::Leaf(write) => write(row, &mut pieces),
                    Member::Edge(edge) => pieces.object(&below[*edge].pieces, below[*edge].of[at]),
                }
            }
            pieces.end();
        }
        Ok(pieces)
    }
}

/// To one row at most; each is loaded and written once, whoever points at it.
pub(super) struct ToOne<T, U: Target> {
    key: fn(&T) -> Option<U::Id>,
    shape: Shape<U>,
}

impl<T: 'static, U: Target> ToOne<T, U> {
    pub fn boxed(
        key: fn(&T) -> Option<U::Id>,
        field: &Field,
        compiler: &Compiler<'_>,
    ) -> Option<Box<dyn Edge<T>>>
    where
        T: Sync,
    {
        Some(Box::new(Self { key, shape: Shape::of(field, compiler)? }))
    }
}

#[async_trait]
impl<T: Sync, U: Target> Edge<T> for ToOne<T, U> {
    async fn load(&self, parents: &[T], reader: &Reader<'_>) -> Result<Below, Leave> {
        let mut places = HashMap::new();
        let mut ids = Vec::new();
        for id in parents.iter().filter_map(self.key) {
            places.entry(id).or_insert_with(|| {
                ids.push(id);
                usize::MAX
            });
        }
        let rows = match ids.is_empty() {
            true => Vec::new(),
            false => U::load(reader.control_plane, &ids).await?,
        };
        for (at, row) in rows.iter().enumerate() {
            places.insert(row.id(), at);
        }
        // What is pointed at is there; if not, the engine says so.
        if rows.len() < ids.len() {
            return Err(Leave::Untried);
        }
        let place = |parent| (self.key)(parent).and_then(|id| places.get(&id).copied());
        let of = parents.iter().map(place).collect();
        Ok(Below { pieces: self.shape.write(&rows, reader).await?, of })
    }
}
