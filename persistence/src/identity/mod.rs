mod credentials;
mod reads;
mod rows;
mod writes;

pub(crate) use reads::account;
pub(crate) use writes::Counted;
