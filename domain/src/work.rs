//! One unit of work: what a mutation reads, decides and writes in one transaction. Events are
//! kept back until the end, so that they are appended last, under the locks that were taken.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    commerce::{OrderBasis, OrderQuestion},
    control_plane::{Call, Committed, Idempotency},
    error::{Error, Result},
    events::{Author, Cursor, EventType, IdempotencyRecord, NewEvent, Subject},
    identity::{Account, Action, Actor, Caller, Credential, Object, Tenant, UserStatus},
    ids::{EntityId, TenantId},
    instances::InstanceLog,
    quota::{QuotaLimits, QuotaShortfall},
    store::{Opened, Session, Store, Transaction},
    workflows::Workflow,
};

/// A row with an id that mutations answer with and events carry.
#[async_trait]
pub trait Entity: Serialize + Clone + Send + Sync + 'static {
    type Id: EntityId;

    fn id(&self) -> Self::Id;
    /// `None` for what belongs to no tenant: its events are for administrators.
    fn tenant_id(&self) -> Option<TenantId>;
    /// What it belongs to and is followed together with.
    fn parent_id(&self) -> Option<String> {
        None
    }
    /// Whether a caller may still be shown what an earlier call of theirs was about.
    fn is_visible_to(&self, actor: &Actor) -> bool {
        self.tenant_id().is_some_and(|tenant| actor.sees(tenant))
    }
    async fn find(session: &mut dyn Session, id: Self::Id) -> Result<Option<Self>>;
    /// Refuses with `AlreadyExists` where a name is taken.
    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()>;
    /// `Conflict` where the row is not the one that was read.
    async fn update(&self, tx: &mut dyn Transaction) -> Result<()>;
}

pub struct Work {
    pub(crate) tx: Box<dyn Transaction>,
    actor: Option<Actor>,
    /// That the actor is a member of.
    tenants: Vec<Tenant>,
    author: Author,
    /// Of the order that the unit of work is about.
    basis: Option<OrderBasis>,
    events: Vec<NewEvent>,
    started: Option<Workflow>,
    /// Where nothing has been set for a tenant.
    quota_defaults: QuotaLimits,
    shortfalls: Vec<QuotaShortfall>,
}

impl Work {
    /// Begins for a caller, whose account is read anew: what was true when the request began may
    /// be so no more.
    pub(crate) async fn begin(
        store: &dyn Store,
        call: &Call,
        order: Option<&OrderQuestion>,
        quota_defaults: QuotaLimits,
    ) -> Result<Self> {
        let (tx, actor, tenants, basis) = match &call.caller {
            Caller::Anonymous => (store.write().await?, None, Vec::new(), None),
            Caller::User(actor) => {
                let opened = store.write_for(actor.user.id, order).await?;
                let Opened { mut tx, account, basis } = opened;
                match current(&mut *tx, account, actor).await {
                    Ok((actor, tenants)) => (tx, Some(actor), tenants, basis),
                    Err(refusal) => {
                        tx.roll_back().await;
                        return Err(refusal);
                    }
                }
            }
        };
        let author = Author {
            actor_id: actor.as_ref().map(|actor| actor.user.id),
            cause: None,
            request_id: call.request_id.clone(),
        };
        Ok(Self { actor, tenants, author, basis, quota_defaults, ..Self::system(tx, None) })
    }

    pub(crate) fn system(tx: Box<dyn Transaction>, cause: Option<String>) -> Self {
        let author = Author { cause, ..Author::default() };
        Self {
            tx,
            actor: None,
            tenants: Vec::new(),
            author,
            basis: None,
            events: Vec::new(),
            started: None,
            quota_defaults: QuotaLimits::default(),
            shortfalls: Vec::new(),
        }
    }

    /// The store's time when the transaction began.
    pub fn now(&self) -> Timestamp {
        self.tx.now()
    }

    pub fn actor(&self) -> Result<&Actor> {
        self.actor.as_ref().ok_or(Error::Unauthenticated)
    }

    /// The tenants that the caller is a member of, as they were when it began.
    pub(crate) fn tenants(&self) -> &[Tenant] {
        &self.tenants
    }

    /// What the order that it was begun for rests on.
    pub(crate) fn take_basis(&mut self) -> Result<OrderBasis> {
        self.basis.take().ok_or_else(|| Error::internal("it was not begun for an order"))
    }

    /// Loads what the caller may change, with everybody else held off until the end.
    pub(crate) async fn own<T: Entity>(&mut self, id: T::Id) -> Result<T> {
        let entity = self.seen::<T>(id).await?;
        let tenant = entity.tenant_id().ok_or_else(|| Error::not_found(T::Id::KIND, id))?;
        self.actor()?.may(Action::Change, Object::Tenant(tenant))?;
        Ok(entity)
    }

    /// Loads what the caller may see, with everybody else held off until the end. Unseen and
    /// missing are told apart by nothing.
    pub(crate) async fn seen<T: Entity>(&mut self, id: T::Id) -> Result<T> {
        let actor = self.actor()?.clone();
        let entity = self.locked::<T>(id).await?;
        match entity.is_visible_to(&actor) {
            true => Ok(entity),
            false => Err(Error::not_found(T::Id::KIND, id)),
        }
    }

    /// Loads with everybody else held off until the end.
    pub(crate) async fn locked<T: Entity>(&mut self, id: T::Id) -> Result<T> {
        self.tx.lock(&id.to_string()).await?;
        T::find(&mut *self.tx, id).await?.ok_or_else(|| Error::not_found(T::Id::KIND, id))
    }

    pub(crate) async fn insert<T: Entity>(&mut self, entity: &T, event: EventType) -> Result<()> {
        entity.insert(&mut *self.tx).await?;
        self.note(entity, event, None)
    }

    pub(crate) async fn save<T: Entity>(
        &mut self,
        entity: &T,
        event: EventType,
        previous: Option<&'static str>,
    ) -> Result<()> {
        entity.update(&mut *self.tx).await?;
        self.note(entity, event, previous)
    }

    fn note<T: Entity>(
        &mut self,
        entity: &T,
        event_type: EventType,
        previous: Option<&'static str>,
    ) -> Result<()> {
        let subject = Subject { id: entity.id().to_string(), parent_id: entity.parent_id() };
        let data = image(entity)?;
        let previous = previous.map(str::to_owned);
        self.events.push(NewEvent {
            event_type,
            subject,
            tenant_id: entity.tenant_id(),
            previous,
            data,
        });
        Ok(())
    }

    /// Adds an event about an entity that another one has saved.
    pub(crate) fn announce<T: Entity>(&mut self, entity: &T, event: EventType) -> Result<()> {
        self.note(entity, event, None)
    }

    /// Adds an event that is not simply an entity's image.
    pub(crate) fn tell(&mut self, event: NewEvent) {
        self.events.push(event);
    }

    pub(crate) fn set_started(&mut self, workflow: Workflow) {
        self.started = Some(workflow);
    }

    pub(crate) fn take_started(&mut self) -> Option<Workflow> {
        self.started.take()
    }

    pub(crate) fn quota_defaults(&self) -> QuotaLimits {
        self.quota_defaults
    }

    /// Has them refused when all is decided.
    pub(crate) fn note_shortfalls(&mut self, shortfalls: Vec<QuotaShortfall>) {
        self.shortfalls.extend(shortfalls);
    }

    /// Refuses what has been taken beyond the quota, in all dimensions at once.
    pub(crate) fn refuse_shortfalls(&mut self) -> Result<()> {
        match std::mem::take(&mut self.shortfalls) {
            none if none.is_empty() => Ok(()),
            shortfalls => Err(Error::QuotaExceeded(shortfalls)),
        }
    }

    pub(crate) async fn commit(mut self) -> Result<()> {
        if !self.events.is_empty() {
            let now = self.now();
            let lines: Vec<_> =
                self.events.iter().flat_map(|event| InstanceLog::of(event, now)).collect();
            if !lines.is_empty() {
                self.tx.append_instance_logs(&lines).await?;
            }
            self.tx.append(&self.events, &self.author, now).await?;
        }
        self.tx.commit().await
    }

    pub(crate) async fn roll_back(self) {
        self.tx.roll_back().await;
    }

    /// Takes the call's idempotency key; answers with what it was used for, if it was.
    pub(crate) async fn claim_key(&mut self, call: &Call) -> Result<Option<IdempotencyRecord>> {
        let Some(idempotency) = &call.idempotency else {
            return Ok(None);
        };
        let (scope, now) = (self.scope(), self.now());
        let Idempotency { key, fingerprints } = idempotency;
        let fingerprint = fingerprints.first().map(String::as_str).unwrap_or_default();
        let fresh = self.tx.claim_idempotency(&scope, key, fingerprint, now).await?;
        if fresh {
            return Ok(None);
        }
        let earlier = self.tx.idempotency(&scope, key).await?;
        match earlier {
            Some(record) if fingerprints.contains(&record.fingerprint) => Ok(Some(record)),
            Some(_) => Err(Error::IdempotencyMismatch),
            None => Err(Error::Conflict("the idempotency key has just expired".to_owned())),
        }
    }

    pub(crate) async fn settle_key<T: Entity>(
        &mut self,
        call: &Call,
        entity: &T,
        workflow: Option<&Workflow>,
        cursor: Cursor,
    ) -> Result<()> {
        let Some(idempotency) = &call.idempotency else {
            return Ok(());
        };
        let workflow = workflow.map(|workflow| workflow.id.to_string());
        self.tx
            .settle_idempotency(
                &self.scope(),
                &idempotency.key,
                &entity.id().to_string(),
                workflow.as_deref(),
                cursor.position(),
            )
            .await
    }

    pub(crate) async fn replay<T: Entity>(
        &mut self,
        earlier: IdempotencyRecord,
    ) -> Result<Committed<T>> {
        let id: T::Id = earlier.entity.parse()?;
        let shown = |entity: &T| self.actor.as_ref().is_none_or(|a| entity.is_visible_to(a));
        let entity = T::find(&mut *self.tx, id).await?.filter(shown);
        let workflow = match earlier.workflow {
            None => None,
            Some(id) => self.tx.workflows_by_id(&[id.parse()?]).await?.pop(),
        };
        Ok(Committed {
            cursor: Cursor(earlier.cursor),
            replayed: true,
            entity: entity.ok_or_else(|| Error::not_found(T::Id::KIND, id))?,
            workflow,
        })
    }

    /// Whose keys they are: two callers may choose the same one.
    fn scope(&self) -> String {
        self.author.actor_id.map_or_else(|| "anonymous".to_owned(), |id| id.to_string())
    }
}

/// The after-image that an event carries.
pub(crate) fn image<T: Serialize>(entity: &T) -> Result<Value> {
    serde_json::to_value(entity).map_err(|error| Error::Internal {
        context: "an entity could not be written as JSON".to_owned(),
        source: Some(error.into()),
    })
}

async fn current(
    tx: &mut dyn Transaction,
    account: Option<Account>,
    actor: &Actor,
) -> Result<(Actor, Vec<Tenant>)> {
    let account = account.ok_or(Error::Unauthenticated)?;
    let user = &account.user;
    if user.status == UserStatus::Disabled || user.token_version != actor.user.token_version {
        return Err(Error::Unauthenticated);
    }
    if let Credential::ApiToken { id, .. } = actor.credential {
        let token = tx.api_tokens_by_id(&[id]).await?.pop();
        if token.is_none_or(|token| token.revoked_at.is_some()) {
            return Err(Error::Unauthenticated);
        }
    }
    Ok(account.into_actor(actor.credential.clone()))
}
