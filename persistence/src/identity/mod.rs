mod credentials;
mod reads;
mod rows;
mod writes;

pub(crate) use reads::account_at;
pub(crate) use writes::Counted;
