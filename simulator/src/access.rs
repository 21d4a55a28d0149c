//! Who may do what.

use std::fmt;

/// A kind of call, as rights are given for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// Such as `get`; an apply that makes an object is a `patch` and a `create`.
    pub verb: String,
    /// Empty for the core group.
    pub group: String,
    /// The plural, with its subresource as in `pods/log`.
    pub resource: String,
}

/// Somebody whom a cluster knows by a bearer token.
#[derive(Clone, Debug)]
pub struct Account {
    pub token: String,
    /// Such as `system:serviceaccount:slipway:slipway`.
    pub name: String,
    /// What it may do; nothing else.
    pub rules: Vec<Rule>,
}

/// A rule of a Role, or of a ClusterRole.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// Where it holds; everywhere, and for what is in no namespace, if absent.
    pub namespace: Option<String>,
    pub groups: Vec<String>,
    pub resources: Vec<String>,
    pub verbs: Vec<String>,
}

impl Account {
    /// Whether the account may do this in a namespace, or in all of them at once.
    pub(crate) fn may(&self, access: &Access, namespace: Option<&str>) -> bool {
        self.rules.iter().any(|rule| rule.allows(access, namespace))
    }
}

impl Rule {
    fn allows(&self, access: &Access, namespace: Option<&str>) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|it| it == "*" || it == wanted);
        (self.namespace.is_none() || self.namespace.as_deref() == namespace)
            && has(&self.groups, &access.group)
            && has(&self.resources, &access.resource)
            && has(&self.verbs, &access.verb)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, resource } = self;
        let dot = if group.is_empty() { "" } else { "." };
        write!(f, "{verb} {resource}{dot}{group}")
    }
}
