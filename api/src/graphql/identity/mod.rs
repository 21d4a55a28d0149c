mod api_token;
mod inputs;
mod mutation;
mod query;
mod quota;
mod tenant;
mod tenants;
mod user;

pub use api_token::{ApiToken, ApiTokenMutation};
pub use mutation::IdentityMutation;
pub use query::IdentityQuery;
pub use tenant::Tenant;
pub use tenants::{TenantMutation, TenantQuery};
pub use user::User;
