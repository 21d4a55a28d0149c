use serde::{Deserialize, Serialize};

use crate::ids::TenantId;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuotaDimension {
    Instances,
    Clusters,
    CpuMillis,
    MemoryMib,
    DiskMib,
    Gpu,
    RunningWorkflows,
}

/// How much in each dimension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts([i64; QuotaDimension::ALL.len()]);

/// The most that there may be in each dimension; `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaLimits([Option<i64>; QuotaDimension::ALL.len()]);

/// One limit as an administrator sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaLimit {
    pub dimension: QuotaDimension,
    pub limit: Option<i64>,
}

/// What a tenant's things take of one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaHeld {
    pub tenant_id: TenantId,
    pub dimension: QuotaDimension,
    pub amount: i64,
    /// Else it is reserved for what is on its way.
    pub in_use: bool,
}

/// How a tenant stands in one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaLine {
    pub dimension: QuotaDimension,
    pub limit: Option<i64>,
    pub used: i64,
    pub reserved: i64,
}

/// A dimension in which a quota does not suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaShortfall {
    pub dimension: QuotaDimension,
    pub requested: i64,
    pub available: i64,
}

impl QuotaDimension {
    pub const ALL: [Self; 7] = [
        Self::Instances,
        Self::Clusters,
        Self::CpuMillis,
        Self::MemoryMib,
        Self::DiskMib,
        Self::Gpu,
        Self::RunningWorkflows,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instances => "INSTANCES",
            Self::Clusters => "CLUSTERS",
            Self::CpuMillis => "CPU_MILLIS",
            Self::MemoryMib => "MEMORY_MIB",
            Self::DiskMib => "DISK_MIB",
            Self::Gpu => "GPU",
            Self::RunningWorkflows => "RUNNING_WORKFLOWS",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.as_str() == text)
    }
}

impl Amounts {
    pub const NONE: Self = Self([0; QuotaDimension::ALL.len()]);

    pub fn of(dimension: QuotaDimension, amount: i64) -> Self {
        Self::NONE.and(dimension, amount)
    }

    pub fn and(mut self, dimension: QuotaDimension, amount: i64) -> Self {
        self.0[dimension as usize] = amount;
        self
    }

    pub fn get(&self, dimension: QuotaDimension) -> i64 {
        self.0[dimension as usize]
    }

    /// What these have more than others.
    pub fn beyond(&self, others: &Self) -> Self {
        let more = |n: usize| (self.0[n] - others.0[n]).max(0);
        Self(std::array::from_fn(more))
    }

    /// The dimensions in which there is something.
    pub fn some(&self) -> impl Iterator<Item = (QuotaDimension, i64)> {
        let amounts = self.0;
        QuotaDimension::ALL.into_iter().zip(amounts).filter(|(_, amount)| *amount != 0)
    }
}

impl QuotaLimits {
    /// With these in the place of those of their dimensions.
    pub fn with(mut self, limits: impl IntoIterator<Item = QuotaLimit>) -> Self {
        for QuotaLimit { dimension, limit } in limits {
            self.0[dimension as usize] = limit;
        }
        self
    }

    pub fn get(&self, dimension: QuotaDimension) -> Option<i64> {
        self.0[dimension as usize]
    }

    /// How a tenant stands that holds so much, in every dimension.
    pub fn lines<'a>(&self, held: impl IntoIterator<Item = &'a QuotaHeld>) -> Vec<QuotaLine> {
        let empty =
            |dimension| QuotaLine { dimension, limit: self.get(dimension), used: 0, reserved: 0 };
        let mut lines = QuotaDimension::ALL.map(empty);
        for held in held {
            let line = &mut lines[held.dimension as usize];
            *(if held.in_use { &mut line.used } else { &mut line.reserved }) += held.amount;
        }
        lines.to_vec()
    }
}

impl QuotaLine {
    /// `None` where there is no limit. A limit may be set below what is taken already.
    pub fn available(&self) -> Option<i64> {
        self.limit.map(|limit| (limit - self.used - self.reserved).max(0))
    }

    /// What is lacking, where so much more does not fit.
    pub fn shortfall(&self, requested: i64) -> Option<QuotaShortfall> {
        let dimension = self.dimension;
        self.available()
            .filter(|available| requested > *available)
            .map(|available| QuotaShortfall { dimension, requested, available })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dimension_stands_where_its_number_says() {
        for (place, dimension) in QuotaDimension::ALL.into_iter().enumerate() {
            assert_eq!(dimension as usize, place);
            assert_eq!(QuotaDimension::parse(dimension.as_str()), Some(dimension));
        }
    }

    #[test]
    fn what_is_used_and_reserved_is_not_available() {
        let (tenant_id, dimension) = (TenantId::fresh(), QuotaDimension::CpuMillis);
        let held = [(700, true), (200, false)].map(|(amount, in_use)| QuotaHeld {
            tenant_id,
            dimension,
            amount,
            in_use,
        });
        let limits = QuotaLimits::default().with([QuotaLimit { dimension, limit: Some(1000) }]);

        let line = limits.lines(&held)[dimension as usize];

        assert_eq!((line.used, line.reserved, line.available()), (700, 200, Some(100)));
        assert_eq!(line.shortfall(100), None);
        let lacking = QuotaShortfall { dimension, requested: 101, available: 100 };
        assert_eq!(line.shortfall(101), Some(lacking));
    }

    #[test]
    fn what_shrinks_asks_for_nothing() {
        let old = Amounts::of(QuotaDimension::CpuMillis, 500).and(QuotaDimension::MemoryMib, 64);
        let new = Amounts::of(QuotaDimension::CpuMillis, 250).and(QuotaDimension::MemoryMib, 128);

        assert_eq!(new.beyond(&old), Amounts::of(QuotaDimension::MemoryMib, 64));
    }
}
