mod dimensions;
mod service;
mod store;

pub use dimensions::{
    Amounts, QuotaDimension, QuotaHeld, QuotaLimit, QuotaLimits, QuotaLine, QuotaShortfall,
};
pub use store::{QuotaReads, QuotaWrites};
