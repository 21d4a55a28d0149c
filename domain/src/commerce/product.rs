use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ComputeSpec;
use crate::{
    error::Result,
    ids::ProductId,
    names,
    page::{PageKey, SortField},
};

/// What is sold: a specification at a price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    pub id: ProductId,
    pub name: String,
    pub description: String,
    pub status: ProductStatus,
    pub spec: ComputeSpec,
    /// In cents.
    pub price: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

/// A [`Product`] without what it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductSummary {
    pub id: ProductId,
    pub name: String,
    pub description: String,
    pub status: ProductStatus,
    /// In cents.
    pub price: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProductStatus {
    Enabled,
    /// Cannot be ordered.
    Disabled,
}

#[derive(Clone, Debug)]
pub struct NewProduct {
    pub name: String,
    pub description: Option<String>,
    pub spec: ComputeSpec,
    pub price: u32,
}

/// What an update changes; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct ProductChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub status: Option<ProductStatus>,
    pub spec: Option<ComputeSpec>,
    pub price: Option<u32>,
}

#[derive(Clone, Debug, Default)]
pub struct ProductFilter {
    pub status: Option<Vec<ProductStatus>>,
}

impl ProductStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Enabled, Self::Disabled].into_iter().find(|s| s.as_str() == text)
    }
}

impl Product {
    /// Where it stands in a list that is ordered so.
    pub fn page_key(&self, by: SortField) -> PageKey {
        let value = match by {
            SortField::UpdatedAt => self.updated_at.into(),
            SortField::Name => self.name.as_str().into(),
            SortField::Price => i64::from(self.price).into(),
            _ => self.created_at.into(),
        };
        PageKey::of(by, value, self.id)
    }

    pub fn new(new: NewProduct, now: Timestamp) -> Result<Self> {
        let NewProduct { name, description, spec, price } = new;
        Ok(Self {
            id: ProductId::fresh(),
            name: names::text("input.name", &name, 120)?,
            description: names::optional_text("input.description", description.as_deref(), 2000)?,
            status: ProductStatus::Enabled,
            spec: spec.checked("input.spec")?,
            price,
            created_at: now,
            updated_at: now,
            version: 0,
        })
    }

    pub fn changed(mut self, change: ProductChange, now: Timestamp) -> Result<Self> {
        let ProductChange { name, description, status, spec, price } = change;
        if let Some(name) = name {
            self.name = names::text("input.name", &name, 120)?;
        }
        if description.is_some() {
            self.description =
                names::optional_text("input.description", description.as_deref(), 2000)?;
        }
        if let Some(spec) = spec {
            self.spec = spec.checked("input.spec")?;
        }
        self.status = status.unwrap_or(self.status);
        self.price = price.unwrap_or(self.price);
        self.updated_at = now;
        Ok(self)
    }
}
