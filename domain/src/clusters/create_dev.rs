//! Creating a development cluster: its ports are found, leased and written in one transaction with
//! the cluster, then it is made, waited for and looked at. What fails or is cancelled is removed.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{
    AwaitAddress, Cluster, ClusterBody, CreateDevCluster, DevCluster, DevMachine, NewDevCluster,
    PortLease, PortRules, ProbePorts, VerifyDevCluster, dev::DevOrder, run_dev,
};
use crate::{
    control_plane::{Call, Committed, ControlPlane, Settings},
    error::{Error, Result},
    events::EventType,
    quota::Amounts,
    work::Work,
    workflows::{NewTask, Plan, WorkflowKind},
};

/// How long the first node may take to get an address.
pub(super) const ADDRESS_LIMIT: SignedDuration = SignedDuration::from_secs(60);
/// How often ports that others listen on are passed over before the transaction decides.
const PROBES: usize = 32;

impl ControlPlane {
    /// Makes a development cluster. Ports that are taken give way to the next free ones.
    pub async fn create_dev_cluster(
        &self,
        call: &Call,
        new: NewDevCluster,
    ) -> Result<Committed<Cluster>> {
        call.actor()?;
        let order = new.checked("input", &self.settings.dev_hosts)?;
        self.ports.dev.check(order.provider).await?;
        let busy = self.busy_ports(&order).await?;
        self.execute(call, async |work| work.create_dev(&order, &busy, &self.settings).await).await
    }

    /// Ports that would be chosen but for somebody who listens there without a lease.
    pub(super) async fn busy_ports(&self, order: &DevOrder) -> Result<BTreeSet<u16>> {
        let rules = &self.settings.port_rules;
        let mut busy = BTreeSet::new();
        let mut taken = self.reader().await?.taken_ports(&order.host).await?;
        for _ in 0..PROBES {
            let Ok(chosen) = rules.choose(&order.ports, None, &taken) else { break };
            let known = busy.len();
            for port in rules.leased().map(|purpose| chosen.get(purpose)) {
                let free = self.ports.dev.is_port_free(&order.host, port).await?;
                if !free && taken.insert(port) {
                    busy.insert(port);
                }
            }
            if busy.len() == known {
                break;
            }
        }
        Ok(busy)
    }
}

impl Work {
    /// All that may be refused is decided before the first write.
    pub(super) async fn create_dev(
        &mut self,
        order: &DevOrder,
        busy: &BTreeSet<u16>,
        settings: &Settings,
    ) -> Result<Cluster> {
        let tenant = self.tenant_to_change(order.tenant_id).await?;
        // Also the lock of the host's names, so that who has one is known before anything is
        // written.
        self.tx.lock(&DevCluster::scope(&order.host)).await?;
        let scope = DevCluster::scope(&order.host);
        let before = self.tx.latest_cluster(&scope, &order.name).await?;
        if before.as_ref().is_some_and(|before| before.released_at.is_none()) {
            return Err(Error::AlreadyExists { kind: "cluster", name: order.name.clone() });
        }
        let before = before.filter(|before| before.tenant_id == tenant.id);
        let before = before.as_ref().and_then(Cluster::dev).cloned();
        let dev = self.find_ports(order, before, busy, &settings.port_rules).await?;
        let body = ClusterBody::Dev(dev.clone());
        let (owner, now) = (self.actor()?.user.id, self.now());
        let cluster = Cluster::new(tenant.id, owner, order.name.clone(), body, now);
        self.claim_quota(tenant.id, &cluster.id.to_string(), DevCluster::takes(), Amounts::NONE)
            .await?;
        self.insert(&cluster, EventType::ClusterCreated).await?;
        self.lease_ports(&cluster, &dev, &settings.port_rules).await?;
        self.start(plan(&cluster, &dev, settings)).await?;
        Ok(cluster)
    }

    /// What is not asked for is as it was in the last cluster of that name.
    async fn find_ports(
        &mut self,
        order: &DevOrder,
        before: Option<DevCluster>,
        busy: &BTreeSet<u16>,
        rules: &PortRules,
    ) -> Result<DevCluster> {
        let mut taken = self.tx.taken_ports(&order.host).await?;
        for port in busy {
            taken.insert(*port);
        }
        let ports = rules.choose(&order.ports, before.as_ref().map(|dev| &dev.ports), &taken)?;
        let before_subnet = before.filter(|dev| dev.provider == order.provider);
        Ok(DevCluster {
            provider: order.provider,
            host: order.host.clone(),
            subnet: order.subnet.clone().or(before_subnet.and_then(|dev| dev.subnet)),
            ports,
            requested: order.ports,
            server_ip: None,
            stopped: false,
            register_portainer: order.register_portainer.unwrap_or(false),
            haproxy_route: order.haproxy_route.unwrap_or(false),
        })
    }

    async fn lease_ports(
        &mut self,
        cluster: &Cluster,
        dev: &DevCluster,
        rules: &PortRules,
    ) -> Result<()> {
        let lease = |purpose| PortLease {
            host: dev.host.clone(),
            port: dev.ports.get(purpose),
            purpose,
            cluster_id: cluster.id,
            tenant_id: cluster.tenant_id,
            acquired_at: self.now(),
        };
        let leases: Vec<_> = rules.leased().map(lease).collect();
        if self.tx.lease_ports(&leases).await? < leases.len() {
            return Err(Error::Conflict(format!("a port of {} was taken meanwhile", dev.host)));
        }
        Ok(())
    }
}

fn plan(cluster: &Cluster, dev: &DevCluster, settings: &Settings) -> Plan {
    let (limit, rules) = (settings.task_deadline, &settings.port_rules);
    let machine = || DevMachine::of(cluster, dev, rules);
    let mut tasks = vec![
        NewTask::new("probe_ports", &ProbePorts { machine: machine() }).within(limit),
        NewTask::new("create_cluster", &CreateDevCluster { machine: machine() })
            .after(&["probe_ports"])
            .within(limit),
        NewTask::new("await_address", &AwaitAddress { machine: machine() })
            .after(&["create_cluster"])
            .within(ADDRESS_LIMIT),
        NewTask::new("verify_cluster", &VerifyDevCluster { machine: machine() })
            .after(&["await_address"])
            .within(limit),
    ];
    tasks.extend(run_dev::removal(&machine()).map(NewTask::as_compensation));
    run_dev::plan(WorkflowKind::CreateDevCluster, cluster, tasks)
}
