use std::sync::Arc;

use async_graphql::{Value, value};
use domain::Error;

use super::{budgets::Payer, front_door::Desk};

/// What an operation has been charged.
pub struct Bill {
    desk: Arc<Desk>,
    payer: Payer,
    requested: usize,
}

impl Bill {
    pub fn charge(desk: &Arc<Desk>, payer: Payer, requested: usize) -> Result<Self, Error> {
        desk.budgets.charge(payer, requested)?;
        Ok(Self { desk: Arc::clone(desk), payer, requested })
    }

    /// What the operation was taken to cost, what it cost, where that is less, and what its caller
    /// has left.
    pub fn settle(self, came_to: Option<usize>) -> Value {
        let Self { desk, payer, requested } = self;
        let actual = came_to.unwrap_or(requested).min(requested);
        let available = desk.budgets.settle(payer, requested - actual);
        let limits = desk.limits();
        value!({
            "requested": requested,
            "actual": actual,
            "limit": limits.cost,
            "available": available,
            "budget": limits.budget,
            "perSecond": limits.budget_per_second,
        })
    }
}
