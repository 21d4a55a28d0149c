use std::sync::Arc;

use domain::Error;
use serde::Serialize;

use super::{budgets::Payer, front_door::Desk};

/// What an operation has been charged.
pub struct Bill {
    desk: Arc<Desk>,
    payer: Payer,
    requested: usize,
}

/// What an operation was taken to cost, what it cost, where that is less, and what its caller has
/// left.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    requested: usize,
    actual: usize,
    limit: usize,
    available: u64,
    budget: usize,
    per_second: usize,
}

impl Bill {
    pub fn charge(desk: &Arc<Desk>, payer: Payer, requested: usize) -> Result<Self, Error> {
        desk.budgets.charge(payer, requested)?;
        Ok(Self { desk: Arc::clone(desk), payer, requested })
    }

    pub fn settle(self, came_to: Option<usize>) -> Cost {
        let Self { desk, payer, requested } = self;
        let actual = came_to.unwrap_or(requested).min(requested);
        let available = desk.budgets.settle(payer, requested - actual);
        let limits = desk.limits();
        Cost {
            requested,
            actual,
            limit: limits.cost,
            available,
            budget: limits.budget,
            per_second: limits.budget_per_second,
        }
    }
}
