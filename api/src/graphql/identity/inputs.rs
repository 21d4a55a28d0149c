use async_graphql::InputObject;
use domain::identity::{self, Login, Registration};

use super::user::{Role, UserStatus};

/// A new account.
#[derive(InputObject)]
pub struct RegisterInput {
    /// The address to log in with; compared without regard to case.
    email: String,
    /// At least 8 characters and at most 1024 bytes.
    password: String,
    /// What the account calls itself: 1 to 80 characters.
    nickname: String,
}

impl From<RegisterInput> for Registration {
    fn from(input: RegisterInput) -> Self {
        let RegisterInput { email, password, nickname } = input;
        Self { email, password, nickname }
    }
}

/// A login.
#[derive(InputObject)]
pub struct LoginInput {
    /// The account's address.
    email: String,
    /// The account's password.
    password: String,
}

impl From<LoginInput> for Login {
    fn from(input: LoginInput) -> Self {
        let LoginInput { email, password } = input;
        Self { email, password }
    }
}

/// A change of password.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The password as it is.
    pub(super) current_password: String,
    /// At least 8 characters and at most 1024 bytes.
    pub(super) new_password: String,
}

/// Narrows a list of accounts; what is absent does not.
#[derive(InputObject)]
pub struct UserFilter {
    /// Any of these.
    status: Option<Vec<UserStatus>>,
    /// Accounts with this role.
    role: Option<Role>,
    /// The account with this address.
    email: Option<String>,
}

impl From<UserFilter> for identity::UserFilter {
    fn from(filter: UserFilter) -> Self {
        let UserFilter { status, role, email } = filter;
        Self {
            status: status.map(|status| status.into_iter().map(Into::into).collect()),
            role: role.map(Into::into),
            email: email.map(|email| email.trim().to_lowercase()),
        }
    }
}
