use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::{InstanceId, OrderId, ProductId, TenantId, UserId},
    page::{PageKey, SortField},
};

/// One purchase of a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub id: OrderId,
    pub number: i64,
    pub user_id: UserId,
    pub tenant_id: TenantId,
    pub product_id: ProductId,
    /// The name that the instance will have.
    pub instance_name: String,
    /// What the payment made.
    pub instance_id: Option<InstanceId>,
    pub status: OrderStatus,
    /// The product's price when the order was placed, in cents.
    pub amount: u32,
    /// Paid, but nothing came of it.
    pub refund_due: bool,
    /// As the payer gave it; recorded, not verified.
    pub payment_reference: Option<String>,
    pub cancel_reason: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub paid_at: Option<Timestamp>,
    pub cancelled_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    pub version: i64,
}

/// What lists mostly show of an [`Order`]: half of its columns.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderSummary {
    pub id: OrderId,
    pub number: i64,
    pub user_id: UserId,
    pub product_id: ProductId,
    pub instance_id: Option<InstanceId>,
    pub status: OrderStatus,
    /// In cents.
    pub amount: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    Pending,
    Paid,
    Cancelled,
    Completed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderAction {
    Pay,
    /// By a person, before payment.
    Cancel,
    /// The instance runs for the first time.
    Complete,
    /// Provisioning failed for good.
    Fail,
}

#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    pub status: Option<Vec<OrderStatus>>,
    pub user_id: Option<UserId>,
    pub product_id: Option<ProductId>,
    pub tenant_id: Option<TenantId>,
    /// The tenants that the reader may see; `None` sees all.
    pub visible: Option<Vec<TenantId>>,
}

impl OrderStatus {
    pub const ALL: &[Self] = &[Self::Pending, Self::Paid, Self::Cancelled, Self::Completed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Paid => "PAID",
            Self::Cancelled => "CANCELLED",
            Self::Completed => "COMPLETED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == text)
    }

    /// The whole machine.
    pub fn next(self, action: OrderAction) -> Option<Self> {
        match (self, action) {
            (Self::Pending, OrderAction::Pay) => Some(Self::Paid),
            (Self::Pending, OrderAction::Cancel) => Some(Self::Cancelled),
            (Self::Paid, OrderAction::Complete) => Some(Self::Completed),
            (Self::Paid, OrderAction::Fail) => Some(Self::Cancelled),
            _ => None,
        }
    }
}

impl OrderAction {
    pub const ALL: &[Self] = &[Self::Pay, Self::Cancel, Self::Complete, Self::Fail];

    /// What the action leads to where it is allowed.
    pub fn aim(self) -> OrderStatus {
        match self {
            Self::Pay => OrderStatus::Paid,
            Self::Complete => OrderStatus::Completed,
            Self::Cancel | Self::Fail => OrderStatus::Cancelled,
        }
    }
}

impl OrderSummary {
    /// Where it stands in a list that is ordered so.
    pub fn page_key(&self, by: SortField) -> PageKey {
        page_key(self.id, self.amount, self.created_at, self.updated_at, by)
    }
}

fn page_key(
    id: OrderId,
    amount: u32,
    created_at: Timestamp,
    updated_at: Timestamp,
    by: SortField,
) -> PageKey {
    let value = match by {
        SortField::UpdatedAt => updated_at.into(),
        SortField::Amount => i64::from(amount).into(),
        _ => created_at.into(),
    };
    PageKey::of(by, value, id)
}

impl Order {
    /// Where it stands in a list that is ordered so.
    pub fn page_key(&self, by: SortField) -> PageKey {
        page_key(self.id, self.amount, self.created_at, self.updated_at, by)
    }

    pub fn apply(mut self, action: OrderAction, now: Timestamp) -> Result<Self> {
        let Some(status) = self.status.next(action) else {
            return Err(Error::InvalidTransition {
                what: format!("order {}", self.id),
                from: self.status.as_str(),
                to: action.aim().as_str(),
            });
        };
        self.status = status;
        self.updated_at = now;
        match action {
            OrderAction::Pay => self.paid_at = Some(now),
            OrderAction::Complete => self.completed_at = Some(now),
            OrderAction::Cancel => self.cancelled_at = Some(now),
            OrderAction::Fail => {
                self.cancelled_at = Some(now);
                self.refund_due = true;
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_these_transitions_and_no_others() {
        let mut grid = Vec::new();
        for from in OrderStatus::ALL {
            for action in OrderAction::ALL {
                if let Some(to) = from.next(*action) {
                    assert_eq!(to, action.aim());
                    grid.push(format!("{} {action:?} {}", from.as_str(), to.as_str()));
                }
            }
        }

        assert_eq!(
            grid,
            [
                "PENDING Pay PAID",
                "PENDING Cancel CANCELLED",
                "PAID Complete COMPLETED",
                "PAID Fail CANCELLED",
            ]
        );
    }
}
