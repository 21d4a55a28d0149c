//! What a process does: it serves a client's calls, runs tasks and tails the log. The planted bugs
//! are here, where the program has none.

use std::sync::{Arc, Mutex};

use domain::{
    ControlPlane, Error, Result,
    commerce::{NewOrder, Order},
    control_plane::{Call, Idempotency},
    events::{Cursor, EventFilter},
    identity::Caller,
    ids::{InstanceId, OrderId, ProductId},
    store::Store,
};
use persistence::SqlStore;

use super::turns::{Life, Turns};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A payment is acknowledged before it is committed.
    AcknowledgeBeforeCommit,
    /// A lease that runs out is not handed on.
    NoRequeue,
    /// A worker that has lost its lease writes as if it had not.
    NoFence,
}

/// What clients and readers know, however often processes die.
pub struct Outsiders {
    pub caller: Caller,
    pub product: ProductId,
    pub purchases: Vec<Purchase>,
    /// The positions that each reader has seen.
    pub seen: Vec<Vec<i64>>,
    /// What must not happen while all goes on.
    pub oddities: Vec<String>,
}

/// As far as it has been acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Purchase {
    pub order: Option<OrderId>,
    pub paid: bool,
    pub instance: Option<InstanceId>,
    /// Whether it is to be deleted, and has been.
    pub unwanted: bool,
    pub deleted: bool,
}

impl Purchase {
    pub fn is_done(&self) -> bool {
        self.paid && (self.deleted || !self.unwanted)
    }
}

/// One process, as its actors see it.
#[derive(Clone)]
pub struct Process {
    pub control_plane: Arc<ControlPlane>,
    pub store: Arc<SqlStore>,
    pub turns: Turns,
    pub outsiders: Arc<Mutex<Outsiders>>,
    pub bug: Option<Bug>,
}

impl Process {
    /// Serves the client of a purchase, who repeats what was not answered under its key.
    pub fn client(self, number: usize) -> Life {
        Box::pin(async move {
            while !self.purchase(number).is_done() {
                self.turns.wait("begin").await;
                if let Err(error) = self.serve(number).await {
                    self.note(&error);
                }
            }
        })
    }

    /// Claims and runs tasks.
    pub fn worker(self) -> Life {
        Box::pin(async move {
            loop {
                self.turns.wait("look").await;
                if let Err(error) = self.run_a_task().await {
                    self.note(&error);
                }
            }
        })
    }

    /// Reads the log on from where its reader has come to.
    pub fn reader(self, number: usize) -> Life {
        Box::pin(async move {
            loop {
                self.turns.wait("look").await;
                if let Err(error) = self.read_on(number).await {
                    self.note(&error);
                }
            }
        })
    }

    async fn serve(&self, number: usize) -> Result<()> {
        let purchase = self.purchase(number);
        match (purchase.order, purchase.instance) {
            (None, _) => {
                let order = self.place(number).await?;
                self.acknowledge(number, |purchase| purchase.order = Some(order.id));
            }
            (Some(order), _) if !purchase.paid => self.pay(number, order).await?,
            (Some(_), Some(instance)) => {
                let call = self.call(format!("delete-{number}"));
                self.control_plane.delete_instance(&call, instance).await?;
                self.acknowledge(number, |purchase| purchase.deleted = true);
            }
            (Some(order), None) => {
                let found = self.store.read().await?.orders_by_id(&[order]).await?;
                let instance = found.first().and_then(|order| order.instance_id);
                self.acknowledge(number, |purchase| purchase.instance = instance);
            }
        }
        Ok(())
    }

    async fn place(&self, number: usize) -> Result<Order> {
        let new = NewOrder {
            product_id: self.outsiders.lock().unwrap().product,
            instance_name: format!("web-{number}"),
            tenant_id: None,
            secret_config: None,
        };
        let call = self.call(format!("place-{number}"));
        Ok(self.control_plane.place_order(&call, new).await?.entity)
    }

    async fn pay(&self, number: usize, order: OrderId) -> Result<()> {
        if self.bug == Some(Bug::AcknowledgeBeforeCommit) {
            self.acknowledge(number, |purchase| purchase.paid = true);
        }
        let call = self.call(format!("pay-{number}"));
        let paid = self.control_plane.pay_order(&call, order, None).await?.entity;
        self.acknowledge(number, |purchase| {
            (purchase.paid, purchase.instance) = (true, paid.instance_id);
        });
        Ok(())
    }

    async fn run_a_task(&self) -> Result<()> {
        let Some(mut claim) = self.control_plane.claim_task().await? else { return Ok(()) };
        self.turns.wait("claimed").await;
        if self.bug == Some(Bug::NoFence) {
            let now = self.store.read().await?.tasks_by_id(&[claim.task.id]).await?;
            claim.task.claim.fence = now[0].claim.fence;
        }
        self.control_plane.run_claimed(claim).await
    }

    async fn read_on(&self, number: usize) -> Result<()> {
        let last = self.outsiders.lock().unwrap().seen[number].last().copied().unwrap_or(0);
        let head = self.control_plane.cursor().await?;
        let all = EventFilter::default();
        let page = self.control_plane.events_between(Cursor(last), head, &all, 3).await?;
        let seen = page.iter().map(|event| event.position);
        self.outsiders.lock().unwrap().seen[number].extend(seen);
        Ok(())
    }

    fn call(&self, key: String) -> Call {
        let caller = self.outsiders.lock().unwrap().caller.clone();
        let idempotency = Some(Idempotency { fingerprints: vec![key.clone()], key });
        Call { caller, address: None, request_id: None, idempotency }
    }

    fn purchase(&self, number: usize) -> Purchase {
        self.outsiders.lock().unwrap().purchases[number].clone()
    }

    fn acknowledge(&self, number: usize, what: impl FnOnce(&mut Purchase)) {
        what(&mut self.outsiders.lock().unwrap().purchases[number]);
    }

    fn note(&self, error: &Error) {
        if !error.retryable() && !matches!(error, Error::Conflict(_)) {
            self.outsiders.lock().unwrap().oddities.push(error.to_string());
        }
    }
}
