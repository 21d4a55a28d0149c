use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    identity::Tenant,
    ids::{EnvironmentId, TenantId},
    names,
    page::{PageKey, SortField},
};

/// Where applications run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    pub id: EnvironmentId,
    pub tenant_id: TenantId,
    /// Unique among the tenant's living ones.
    pub name: String,
    pub kind: EnvironmentType,
    /// Whether it takes deployments.
    pub is_active: bool,
    /// What people call the cluster; which one it is, its kubeconfig says.
    pub cluster: Option<String>,
    /// As its people call it.
    pub namespace: Option<String>,
    /// The API server that its kubeconfig names; `None` for the platform's own cluster.
    pub server: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    /// Counts the changes of its row.
    pub revision: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EnvironmentType {
    Kubernetes,
    /// Hosts of one's own. Takes no deployments yet.
    Physical,
}

#[derive(Clone, Debug)]
pub struct NewEnvironment {
    /// The caller's personal tenant where absent.
    pub tenant_id: Option<TenantId>,
    pub name: String,
    pub kind: EnvironmentType,
    pub cluster: Option<String>,
    pub namespace: Option<String>,
    pub kubeconfig: Option<String>,
    pub is_active: Option<bool>,
}

/// What changes of an environment; what is absent stays, `Some(None)` clears.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentChange {
    pub name: Option<String>,
    pub kind: Option<EnvironmentType>,
    pub cluster: Option<Option<String>>,
    pub namespace: Option<Option<String>>,
    pub kubeconfig: Option<Option<String>>,
    pub is_active: Option<bool>,
}

#[derive(Clone, Debug, Default)]
pub struct EnvironmentFilter {
    pub kind: Option<EnvironmentType>,
    pub is_active: Option<bool>,
    pub tenant_id: Option<TenantId>,
    /// Deleted ones too.
    pub deleted: bool,
    pub visible: Option<Vec<TenantId>>,
}

impl EnvironmentType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kubernetes => "KUBERNETES",
            Self::Physical => "PHYSICAL",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Kubernetes, Self::Physical].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Environment {
    pub const LONGEST_NAME: usize = 40;

    /// Takes what was said as it is; [`Environment::checked`] follows.
    pub fn new(new: NewEnvironment, tenant_id: TenantId, now: Timestamp) -> Self {
        let NewEnvironment { tenant_id: _, name, kind, cluster, namespace, is_active, .. } = new;
        Self {
            id: EnvironmentId::fresh(),
            tenant_id,
            name,
            kind,
            is_active: is_active.unwrap_or(true),
            cluster,
            namespace,
            server: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            revision: 0,
        }
    }

    pub fn changed(mut self, change: EnvironmentChange, now: Timestamp) -> Self {
        let EnvironmentChange { name, kind, cluster, namespace, kubeconfig: _, is_active } = change;
        self.name = name.unwrap_or(self.name);
        self.kind = kind.unwrap_or(self.kind);
        self.cluster = cluster.unwrap_or(self.cluster);
        self.namespace = namespace.unwrap_or(self.namespace);
        self.is_active = is_active.unwrap_or(self.is_active);
        self.updated_at = now;
        self
    }

    /// Refuses what does not fit together, and fills in what follows from the rest.
    pub fn checked(mut self, tenant: &Tenant) -> Result<Self> {
        self.name = names::dns_label("input.name", &self.name, Self::LONGEST_NAME)?;
        let cluster = self.cluster.as_deref();
        self.cluster = cluster.map(|text| names::text("input.cluster", text, 120)).transpose()?;
        if self.kind == EnvironmentType::Physical {
            if self.server.is_some() {
                return Err(Error::invalid("input.kubeconfig", "is for type KUBERNETES alone"));
            }
            return Ok(self);
        }
        let namespace = self.namespace.as_deref().unwrap_or(&self.name);
        let longest = if self.server.is_some() { 63 } else { tenant.longest_namespace() };
        self.namespace = Some(names::dns_label("input.namespace", namespace, longest)?);
        Ok(self)
    }

    /// Its namespace as it is called in the cluster.
    pub fn real_namespace(&self, tenant: &Tenant) -> String {
        let given = self.namespace.as_deref().unwrap_or(&self.name);
        match self.server {
            None => tenant.namespace(given),
            Some(_) => given.to_owned(),
        }
    }

    /// Whether applications stand somewhere else than in the other one.
    pub fn is_elsewhere(&self, other: &Self) -> bool {
        let place = |it: &Self| (it.kind, it.server.clone(), it.namespace.clone());
        place(self) != place(other)
    }

    /// Where it stands in a list that is ordered so.
    pub fn page_key(&self, by: SortField) -> PageKey {
        let value = match by {
            SortField::UpdatedAt => self.updated_at.into(),
            SortField::Name => self.name.as_str().into(),
            _ => self.created_at.into(),
        };
        PageKey::of(by, value, self.id)
    }
}
