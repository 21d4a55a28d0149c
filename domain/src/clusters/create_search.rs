//! What people ask of search clusters.

use super::{
    Cluster, ClusterAction, ClusterBody, NewSearchCluster, SearchCluster, SearchSize, run_search,
};
use crate::{
    control_plane::{Call, Committed, ControlPlane},
    error::{Error, Result},
    events::EventType,
    identity::{Tenant, User},
    ids::ClusterId,
    instances::Instance,
    names,
    quota::Amounts,
};

impl ControlPlane {
    /// Makes a search cluster in a namespace of its own.
    pub async fn create_search_cluster(
        &self,
        call: &Call,
        new: NewSearchCluster,
    ) -> Result<Committed<Cluster>> {
        call.actor()?;
        let mut search = SearchCluster::of(&new, self.settings.search_image.clone())?;
        let name = new.name.as_deref().unwrap_or(&search.service_name);
        let name = names::label("input.name", name, SearchCluster::LONGEST_SERVICE_NAME)?;
        self.execute(call, async |work| {
            let tenant = work.tenant_to_change(new.tenant_id).await?;
            let (owner, now) = (work.actor()?.user.clone(), work.now());
            search.namespace = given(&new, &tenant, &owner)?;
            search.target_namespace = tenant.namespace(&search.namespace);
            let body = ClusterBody::Search(search.clone());
            let cluster = Cluster::new(tenant.id, owner.id, name, body, now);
            let (subject, takes) = (cluster.id.to_string(), cluster.takes()?);
            work.insert(&cluster, EventType::ClusterCreated).await?;
            work.claim_quota(tenant.id, &subject, takes, Amounts::NONE).await?;
            let workload = search.workload(cluster.id)?;
            let plan = run_search::create(&cluster, &workload, self.settings.task_deadline);
            work.start(plan).await?;
            Ok(cluster)
        })
        .await
    }

    /// Gives a search cluster another size, after what is under way for it.
    pub async fn update_search_cluster(
        &self,
        call: &Call,
        id: ClusterId,
        size: &SearchSize,
    ) -> Result<Committed<Cluster>> {
        self.execute(call, async |work| {
            let cluster = work.own::<Cluster>(id).await?;
            let (previous, now, had) = (cluster.status.as_str(), work.now(), cluster.takes()?);
            let mut cluster = cluster.apply(ClusterAction::Update, now)?;
            let ClusterBody::Search(search) = &mut cluster.body else {
                return Err(Error::invalid("id", "is not the id of a search cluster"));
            };
            let sized = search.clone().sized(size)?;
            if sized.is_smaller_disk(search)? {
                return Err(Error::invalid("input.diskSize", "must not be less than it is"));
            }
            *search = sized;
            let workload = search.workload(id)?;
            let takes = cluster.takes()?;
            work.claim_quota(cluster.tenant_id, &id.to_string(), takes, had).await?;
            work.save(&cluster, EventType::ClusterUpdated, Some(previous)).await?;
            let plan = run_search::update(&cluster, &workload, self.settings.task_deadline);
            work.start(plan).await?;
            Ok(cluster)
        })
        .await
    }

    /// The search cluster of a namespace, by its given name or by the one that the platform's
    /// cluster knows.
    pub async fn search_cluster(&self, call: &Call, namespace: &str) -> Result<Option<Cluster>> {
        let actor = call.actor()?;
        let mut reader = self.reader().await?;
        let ids: Vec<_> = actor.memberships.iter().map(|held| held.tenant_id).collect();
        let tenants = reader.tenants_by_id(&ids).await?;
        let mut names: Vec<_> = tenants.iter().map(|it| it.namespace(namespace)).collect();
        names.push(namespace.to_owned());
        let mut found = reader.clusters_in(&names).await?;
        found.retain(|cluster| actor.sees(cluster.tenant_id));
        if found.len() > 1 {
            let message = "is there in several tenants: say slipway-<org id>--<namespace>";
            return Err(Error::invalid("namespace", message));
        }
        Ok(found.pop())
    }
}

/// The name of the namespace in the tenant. Where none is given it is made of service and owner:
/// the owner's number holds no hyphen, so no two pairs make the same.
fn given(new: &NewSearchCluster, tenant: &Tenant, owner: &User) -> Result<String> {
    let (field, name) = match &new.namespace {
        Some(name) => ("input.namespace", name.clone()),
        None => ("input.serviceName", format!("{}-{}", new.service_name, owner.number)),
    };
    let name = names::dns_label(field, &name, tenant.longest_namespace())?;
    if name == Instance::NAMESPACE {
        return Err(Error::invalid(field, "is where the tenant's instances are"));
    }
    Ok(name)
}
