mod quota;
mod service;
mod store;

pub use quota::{
    Amounts, QuotaDimension, QuotaHeld, QuotaLimit, QuotaLimits, QuotaLine, QuotaShortfall,
};
pub use store::{QuotaReads, QuotaWrites};
