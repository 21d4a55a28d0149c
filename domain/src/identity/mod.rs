mod actor;
mod login;
mod policy;
mod service;
mod session;
mod store;
mod tenant;
mod user;

pub use actor::{Actor, Caller, Scope};
pub use login::{Authenticated, Login, Registration};
pub use policy::{Action, Relation, allows};
pub use session::{PasswordHasher, Session as LoginSession, TokenIssuer, Tokens};
pub use store::{IdentityReads, IdentityWrites};
pub use tenant::{Membership, Tenant, TenantRole};
pub use user::{Role, User, UserFilter, UserStatus};
