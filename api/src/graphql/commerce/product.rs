use async_graphql::{Enum, ID, Object};
use domain::commerce;

use super::spec::ComputeSpec;
use crate::graphql::scalars::{Cents, DateTime, id};

pub struct Product(pub commerce::Product);

/// What is sold: a specification at a price.
#[Object]
impl Product {
    /// Opaque; begins with `prod_`.
    pub async fn id(&self) -> ID {
        id(self.0.id)
    }
    /// The product's name.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// What a buyer should know.
    async fn description(&self) -> &str {
        &self.0.description
    }
    /// Whether it is on sale.
    async fn status(&self) -> ProductStatus {
        self.0.status.into()
    }
    /// What a buyer gets.
    async fn spec(&self) -> ComputeSpec {
        ComputeSpec(self.0.spec.clone())
    }
    /// Today's price.
    async fn price(&self) -> Cents {
        Cents(self.0.price)
    }
    /// When it was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

/// Whether a product is on sale.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "commerce::ProductStatus")]
pub enum ProductStatus {
    /// On sale.
    Enabled,
    /// Cannot be ordered.
    Disabled,
}

impl From<commerce::Product> for Product {
    fn from(product: commerce::Product) -> Self {
        Self(product)
    }
}
