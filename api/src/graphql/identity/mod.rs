mod inputs;
mod mutation;
mod query;
mod tenant;
mod user;

pub use mutation::IdentityMutation;
pub use query::IdentityQuery;
pub use tenant::Tenant;
pub use user::User;
