mod credentials;
mod reads;
mod rows;
mod writes;

pub(crate) use writes::Counted;
