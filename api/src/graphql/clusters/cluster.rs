#![expect(clippy::duplicated_attributes, reason = "fields of an interface share their types")]

use std::borrow::Cow;

use async_graphql::{
    Context, ContextSelectionSet, Enum, ID, Interface, OutputType, Positioned, ServerResult, Value,
    parser::types::Field, registry::Registry,
};
use domain::{
    clusters::{self, ClusterBody},
    page::PageKey,
};

use super::{dev::DevCluster, search::SearchCluster};
use crate::graphql::{
    connection::{Connection, connection, request},
    context::Ctx,
    error::Result,
    identity::{Tenant, User},
    loaders::{SubjectPage, must},
    scalars::DateTime,
    workflows::Workflow,
};

/// What a tenant has made to run things in.
#[derive(Interface)]
#[graphql(
    field(name = "id", ty = "ID", desc = "Opaque; begins with `clu_`."),
    field(name = "name", ty = "&str", desc = "Unique among the clusters that hold their name."),
    field(name = "tenant", ty = "Result<Tenant>", desc = "The tenant that it belongs to."),
    field(name = "owner", ty = "Result<User>", desc = "The account that made it."),
    field(name = "status", ty = "Result<ClusterStatus>", desc = "How it is."),
    field(
        name = "failure",
        ty = "Option<&str>",
        desc = "Why its last workflow failed, if it did."
    ),
    field(
        name = "workflows",
        ty = "Result<Connection<Workflow>>",
        desc = "The workflows that were run for it, newest first.",
        arg(
            name = "first",
            ty = "Option<i32>",
            desc = "How many at most: 1 to 100, by default 20."
        ),
        arg(
            name = "after",
            ty = "Option<String>",
            desc = "The cursor of the edge to continue behind."
        )
    ),
    field(name = "created_at", ty = "DateTime", desc = "When it was asked for."),
    field(name = "updated_at", ty = "DateTime", desc = "When it was last changed."),
    field(name = "deleted_at", ty = "Option<DateTime>", desc = "When it was gone.")
)]
pub enum Cluster {
    Search(SearchCluster),
    Dev(DevCluster),
}

/// The same interface, which is a [`Node`](crate::graphql::node::Node): the derive has no way to
/// say so.
pub struct ClusterAsNode;

impl OutputType for ClusterAsNode {
    fn type_name() -> Cow<'static, str> {
        <Cluster as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.add_implements(&Self::type_name(), "Node");
        <Cluster as OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}

impl From<clusters::Cluster> for Cluster {
    fn from(cluster: clusters::Cluster) -> Self {
        match &cluster.body {
            ClusterBody::Search(_) => Self::Search(SearchCluster(cluster)),
            ClusterBody::Dev(_) => Self::Dev(DevCluster(cluster)),
        }
    }
}

/// How a cluster is.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum ClusterStatus {
    /// Asked for; its workflow waits.
    Pending,
    /// On its way.
    Creating,
    /// Its objects stand.
    Created,
    /// It runs.
    Running,
    /// Taking on other replicas or resources.
    Scaling,
    /// It is stopped; its ports are kept.
    Stopped,
    /// It is being removed.
    Deleting,
    /// Nothing of it is left but this record.
    Deleted,
    /// The last workflow failed for good; of a creation nothing is left.
    Failed,
}

impl From<clusters::ClusterStatus> for ClusterStatus {
    fn from(status: clusters::ClusterStatus) -> Self {
        use clusters::ClusterStatus as Stored;
        match status {
            Stored::Creating => Self::Creating,
            Stored::Created => Self::Created,
            Stored::Running => Self::Running,
            Stored::Scaling => Self::Scaling,
            Stored::Stopped => Self::Stopped,
            Stored::Deleting => Self::Deleting,
            Stored::Deleted => Self::Deleted,
            Stored::Failed => Self::Failed,
        }
    }
}

impl ClusterStatus {
    /// What is stored of it: a creation that waits is one all the same.
    pub(super) fn stored(self) -> clusters::ClusterStatus {
        use clusters::ClusterStatus as Stored;
        match self {
            Self::Pending | Self::Creating => Stored::Creating,
            Self::Created => Stored::Created,
            Self::Running => Stored::Running,
            Self::Scaling => Stored::Scaling,
            Self::Stopped => Stored::Stopped,
            Self::Deleting => Stored::Deleting,
            Self::Deleted => Stored::Deleted,
            Self::Failed => Stored::Failed,
        }
    }
}

pub(super) async fn tenant(ctx: &Context<'_>, cluster: &clusters::Cluster) -> Result<Tenant> {
    Ok(Tenant(must(&ctx.loaders().tenants, cluster.tenant_id).await?))
}

pub(super) async fn owner(ctx: &Context<'_>, cluster: &clusters::Cluster) -> Result<User> {
    Ok(User::from(must(&ctx.loaders().users, cluster.owner_id).await?))
}

/// As stored, but that a creation may still wait.
pub(super) async fn status(
    ctx: &Context<'_>,
    cluster: &clusters::Cluster,
) -> Result<ClusterStatus> {
    if cluster.status != clusters::ClusterStatus::Creating {
        return Ok(cluster.status.into());
    }
    let live = ctx.loaders().lanes.load_one(cluster.id.to_string()).await?.unwrap_or_default();
    let waits = live.first().is_some_and(|workflow| workflow.started_at.is_none());
    Ok(if waits { ClusterStatus::Pending } else { ClusterStatus::Creating })
}

pub(super) async fn workflows(
    ctx: &Context<'_>,
    cluster: &clusters::Cluster,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Workflow>> {
    let page = request(ctx, first, after)?.into();
    let key = SubjectPage { subject: cluster.id.to_string(), page };
    let found = ctx.loaders().workflows_of_subject.load_one(key).await?;
    let found = found.ok_or_else(|| domain::Error::internal("a batch lacks a page"))?;
    Ok(connection(found, |workflow| PageKey::new(workflow.created_at, workflow.id)))
}

/// The fields that all kinds of cluster share, in an `#[Object]` of one.
macro_rules! cluster_object {
    ($(#[$meta:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$meta])*
        #[async_graphql::Object]
        impl $name {
            /// Opaque; begins with `clu_`.
            pub async fn id(&self) -> async_graphql::ID {
                $crate::graphql::scalars::id(self.0.id)
            }
            /// Unique among the clusters that hold their name.
            pub async fn name(&self) -> &str {
                &self.0.name
            }
            /// The tenant that it belongs to.
            pub async fn tenant(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> $crate::graphql::error::Result<$crate::graphql::identity::Tenant> {
                $crate::graphql::clusters::cluster::tenant(ctx, &self.0).await
            }
            /// The account that made it.
            pub async fn owner(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> $crate::graphql::error::Result<$crate::graphql::identity::User> {
                $crate::graphql::clusters::cluster::owner(ctx, &self.0).await
            }
            /// Why its last workflow failed, if it did.
            pub async fn failure(&self) -> Option<&str> {
                self.0.failure.as_deref()
            }
            /// The workflows that were run for it, newest first.
            pub async fn workflows(
                &self,
                ctx: &async_graphql::Context<'_>,
                #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
                #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<
                    String,
                >,
            ) -> $crate::graphql::error::Result<
                $crate::graphql::connection::Connection<$crate::graphql::workflows::Workflow>,
            > {
                $crate::graphql::clusters::cluster::workflows(ctx, &self.0, first, after).await
            }
            /// When it was asked for.
            pub async fn created_at(&self) -> $crate::graphql::scalars::DateTime {
                $crate::graphql::scalars::DateTime(self.0.created_at)
            }
            /// When it was last changed.
            pub async fn updated_at(&self) -> $crate::graphql::scalars::DateTime {
                $crate::graphql::scalars::DateTime(self.0.updated_at)
            }
            /// When it was gone.
            pub async fn deleted_at(&self) -> Option<$crate::graphql::scalars::DateTime> {
                $crate::graphql::scalars::time(self.0.deleted_at)
            }
            $($own)*
        }
    };
}
pub(super) use cluster_object;
