use std::{future::ready, sync::Arc};

use async_graphql::{
    Context, InputObject, Object, SimpleObject, Subscription, connection::PageInfo,
};
use domain::{
    Error,
    events::{self, EventFilter as Wanted, EventType},
    ids::{TenantId, UserId},
    page::page_size,
};
use futures::{StreamExt, stream::BoxStream};
use serde::de::DeserializeOwned;

use super::{
    context::Ctx,
    error::{ApiError, Result},
    identity::{Tenant, User},
    live::Topic,
    node::{Node, node},
    place::Place,
    scalars::{AnyId, Cursor, DateTime, Id, Json},
};

#[derive(Clone)]
pub struct Event(pub Arc<events::Event>);

/// A fact in the event log.
#[Object]
impl Event {
    /// Where it stands in the log; good for `after`.
    async fn cursor(&self) -> Cursor {
        cursor(&self.0)
    }
    /// What happened, such as `ORDER_PAID`.
    #[graphql(name = "type")]
    async fn event_type(&self) -> &str {
        self.0.event_type.as_str()
    }
    /// What it happened to, as it is now.
    async fn subject(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
        match self.0.subject.id.parse() {
            Ok(id) => node(ctx, id).await,
            Err(_) => Ok(None),
        }
    }
    /// The tenant that it belongs to.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Option<Tenant>> {
        let Some(id) = self.0.tenant_id else {
            return Ok(None);
        };
        Ok(ctx.loaders().tenants.load_one(id).await?.map(Tenant))
    }
    /// When it happened.
    async fn at(&self) -> DateTime {
        DateTime(self.0.at)
    }
    /// Who did it; null for the server itself.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(id) = self.0.actor_id else {
            return Ok(None);
        };
        Ok(ctx.loaders().users.load_one(id).await?.map(User::from))
    }
    /// What led to it where nobody did it directly: a workflow's id.
    async fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
    /// The request that it came from.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }
    /// The status before, where there is a new one.
    async fn previous_status(&self) -> Option<&str> {
        self.0.previous.as_deref()
    }
    /// The subject as it was right after.
    async fn data(&self) -> Json {
        Json(self.0.data.clone())
    }
}

/// A page of the event log, oldest first.
#[derive(SimpleObject)]
pub struct EventConnection {
    /// Information to aid in pagination.
    page_info: PageInfo,
    /// The events with their cursors.
    edges: Vec<EventEdge>,
    /// The events.
    nodes: Vec<Event>,
    /// How many there are in all, on all pages.
    total_count: i64,
}

/// An event with its cursor.
#[derive(SimpleObject)]
pub struct EventEdge {
    /// Good for `after` of queries and subscriptions alike.
    cursor: Cursor,
    /// The event.
    node: Event,
}

/// Narrows events; what is absent does not.
#[derive(InputObject)]
pub struct EventFilter {
    /// Any of these types, such as `ORDER_PAID`.
    types: Option<Vec<String>>,
    /// What they happened to, or what that belongs to.
    subject_id: Option<AnyId>,
    /// Of this tenant.
    tenant_id: Option<Id<TenantId>>,
    /// Done by this account.
    actor_id: Option<Id<UserId>>,
}

#[derive(Default)]
pub struct EventQuery;

#[Object]
impl EventQuery {
    /// The events that the caller may see, oldest first. CURSOR_EXPIRED behind what is kept.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the events; what is absent does not.")] filter: Option<
            EventFilter,
        >,
        #[graphql(desc = "Begin behind this position; at the oldest event where absent.")]
        after: Option<Cursor>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
    ) -> Result<EventConnection> {
        let filter = filter.map(wanted).transpose()?.unwrap_or_default();
        let first = page_size(first.map(Into::into))?;
        let page = ctx
            .control_plane()
            .events(ctx.call(), filter, after.map(|after| after.0), first, ctx.asks("totalCount"))
            .await?;
        let nodes: Vec<_> = page.items.into_iter().map(|event| Event(Arc::new(event))).collect();
        let at = |event: Option<&Event>| event.map(|event| cursor(&event.0).0.to_string());
        Ok(EventConnection {
            page_info: PageInfo {
                has_previous_page: after.is_some(),
                has_next_page: page.has_next,
                start_cursor: at(nodes.first()),
                end_cursor: at(nodes.last()),
            },
            edges: nodes
                .iter()
                .map(|event| EventEdge { cursor: cursor(&event.0), node: event.clone() })
                .collect(),
            nodes,
            total_count: page.total.unwrap_or(0),
        })
    }
}

#[derive(Default)]
pub struct EventSubscription;

#[Subscription]
impl EventSubscription {
    /// The events that the caller may see, as they happen.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the events; what is absent does not.")] filter: Option<
            EventFilter,
        >,
        #[graphql(desc = "Begin behind this position; live changes only where absent.")]
        after: Option<Cursor>,
    ) -> Result<Live<Event>> {
        let filter = filter.map(wanted).transpose()?.unwrap_or_default();
        follow(ctx, filter, after, |event| Ok(Some(Event(event.clone())))).await
    }
}

/// What a subscription makes of an event; `None` passes it over.
pub(super) type Followed<T> = Option<T>;

/// What a subscription yields.
pub(super) type Live<T> = BoxStream<'static, Result<T>>;

/// The one way to subscribe: the caller's visible events that match, mapped one by one.
pub(super) async fn follow<T>(
    ctx: &Context<'_>,
    filter: Wanted,
    after: Option<Cursor>,
    map: impl Fn(&Arc<events::Event>) -> Result<Followed<T>> + Send + 'static,
) -> Result<Live<T>>
where
    T: Send + 'static,
{
    let place = ctx.data_opt::<Arc<Place>>().cloned();
    let left_off = place.as_ref().map(|place| place.resume()).transpose()?.flatten();
    let after = left_off.or(after.map(|after| after.0));
    let events = visible(ctx, filter, after, place.clone()).await?;
    let mapped = events.map(move |event| {
        let event = event?;
        let mapped = map(&event)?;
        if let (Some(place), Some(_)) = (&place, &mapped) {
            place.at(events::Cursor(event.position));
        }
        Ok(mapped)
    });
    Ok(mapped.filter_map(|mapped| ready(mapped.transpose())).boxed())
}

/// The events that match and that the caller may see.
pub(super) async fn visible(
    ctx: &Context<'_>,
    mut filter: Wanted,
    after: Option<events::Cursor>,
    place: Option<Arc<Place>>,
) -> Result<Live<Arc<events::Event>>> {
    filter.visible = ctx.call().actor()?.scope().tenants();
    let about = filter.about.clone().or(filter.subject_id.clone()).or(filter.parent_id.clone());
    let topic = about.map_or(Topic::All, Topic::About);
    let events = ctx.tail().clone().follow(topic, filter, after, place).await?;
    Ok(events.map(|event| event.map_err(ApiError::from)).boxed())
}

/// The entity that the event carries, as it was then.
pub(super) fn image<T: DeserializeOwned>(event: &events::Event) -> Result<T> {
    T::deserialize(&event.data).map_err(|error| {
        ApiError::from(Error::Internal {
            context: format!("the image of event {} cannot be read", event.position),
            source: Some(error.into()),
        })
    })
}

pub(super) fn cursor(event: &events::Event) -> Cursor {
    Cursor(events::Cursor(event.position))
}

fn wanted(filter: EventFilter) -> Result<Wanted> {
    let EventFilter { types, subject_id, tenant_id, actor_id } = filter;
    let known = |text: String| {
        let found = EventType::parse(&text);
        found.ok_or_else(|| Error::invalid("filter.types", format!("knows no type {text:.64}")))
    };
    let types = types.map(|types| types.into_iter().map(known).collect()).transpose()?;
    Ok(Wanted {
        types,
        about: subject_id.map(|id| id.0.to_string()),
        tenant_id: tenant_id.map(|id| id.0),
        actor_id: actor_id.map(|id| id.0),
        ..Wanted::default()
    })
}
