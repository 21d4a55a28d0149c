//! The persistence port: connections and transactions. What they can read and write stands in
//! the `store.rs` of each context.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    clusters::{ClusterReads, ClusterWrites},
    commerce::{CommerceReads, CommerceWrites, OrderBasis, OrderQuestion},
    delivery::{DeliveryReads, DeliveryWrites},
    error::Result,
    events::{EventReads, EventWrites},
    identity::{Account, CredentialReads, CredentialWrites, IdentityReads, IdentityWrites},
    ids::UserId,
    instances::{InstanceLogReads, InstanceLogWrites, InstanceReads, InstanceWrites},
    quota::{QuotaReads, QuotaWrites},
    secrets::{SecretReads, SecretWrites},
    workflows::{WorkflowReads, WorkflowWrites},
};

#[async_trait]
pub trait Store: Send + Sync {
    /// A connection for reading; it has no way to write.
    async fn read(&self) -> Result<Box<dyn Session>>;

    /// A transaction; it has reads and writes. Dropped, it rolls back.
    async fn write(&self) -> Result<Box<dyn Transaction>>;

    /// A transaction for an account, and what it looks up while it begins.
    async fn write_for(&self, user: UserId, order: Option<&OrderQuestion>) -> Result<Opened>;

    /// The store's time.
    async fn now(&self) -> Result<Timestamp>;

    /// The position below which nothing can appear any more.
    async fn safe_head(&self) -> Result<i64>;

    /// A number that grows with each commit of this process by which a caller may be let in no
    /// more, or with other rights.
    fn caller_changes(&self) -> u64;

    /// How its connections are used.
    fn pools(&self) -> Vec<PoolUse>;
}

/// A transaction, and what it has found at first.
pub struct Opened {
    pub tx: Box<dyn Transaction>,
    /// Of whom it is for.
    pub account: Option<Account>,
    /// Of the order that was asked about.
    pub basis: Option<OrderBasis>,
}

/// The use of one pool of connections: now, and summed up since the start.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolUse {
    pub name: &'static str,
    /// How many connections it may have.
    pub most: usize,
    pub in_use: usize,
    /// Callers that wait for one.
    pub waiting: usize,
    /// How often one was given out.
    pub given: u64,
    /// For how long all callers together have waited.
    pub waited: Duration,
    /// How often none came in time, or none could be made.
    pub missed: u64,
}

pub trait Session:
    IdentityReads
    + CredentialReads
    + CommerceReads
    + InstanceReads
    + InstanceLogReads
    + ClusterReads
    + DeliveryReads
    + QuotaReads
    + SecretReads
    + WorkflowReads
    + EventReads
    + Send
{
}

impl<T> Session for T where
    T: IdentityReads
        + CredentialReads
        + CommerceReads
        + InstanceReads
        + InstanceLogReads
        + ClusterReads
        + DeliveryReads
        + QuotaReads
        + SecretReads
        + WorkflowReads
        + EventReads
        + Send
{
}

#[async_trait]
pub trait Transaction:
    Session
    + IdentityWrites
    + CredentialWrites
    + CommerceWrites
    + InstanceWrites
    + InstanceLogWrites
    + ClusterWrites
    + DeliveryWrites
    + QuotaWrites
    + SecretWrites
    + WorkflowWrites
    + EventWrites
{
    /// The store's time when the transaction began, in microseconds.
    fn now(&self) -> Timestamp;

    /// Holds everybody else off whatever `key` names until the transaction ends. Locks are taken
    /// in the order order, then instance; environment, then applications, then version; last of all
    /// quota.
    async fn lock(&mut self, key: &str) -> Result<()>;

    async fn commit(self: Box<Self>) -> Result<()>;

    async fn roll_back(self: Box<Self>);
}
