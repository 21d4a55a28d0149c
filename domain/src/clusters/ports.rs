use std::{collections::BTreeMap, fmt, ops::RangeInclusive, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::{ClusterId, TenantId},
};

/// What a port of a host is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PortPurpose {
    Node,
    PortForward,
    Http,
    Https,
}

/// One of something for each purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ports<T> {
    pub node: T,
    pub port_forward: T,
    pub http: T,
    pub https: T,
}

/// The right to a port of a host, which nobody else has meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortLease {
    pub host: String,
    pub port: u16,
    pub purpose: PortPurpose,
    pub cluster_id: ClusterId,
    pub tenant_id: TenantId,
    pub acquired_at: Timestamp,
}

/// A port that was asked for and could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortChange {
    pub purpose: PortPurpose,
    pub requested: u16,
    pub allocated: u16,
}

/// The ports that are given out to those who do not name one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

/// Which ports of a host cannot be had, as runs of neighbours: each by its first, with its last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenPorts(BTreeMap<u16, u16>);

/// By what rules ports are given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRules {
    pub range: PortRange,
    /// Whether clusters may have the same node port, which then is none of the host's.
    pub share_node_ports: bool,
}

impl PortPurpose {
    pub const ALL: [Self; 4] = [Self::Node, Self::PortForward, Self::Http, Self::Https];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "NODE",
            Self::PortForward => "PORT_FORWARD",
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

impl<T: Copy> Ports<T> {
    pub fn get(&self, purpose: PortPurpose) -> T {
        match purpose {
            PortPurpose::Node => self.node,
            PortPurpose::PortForward => self.port_forward,
            PortPurpose::Http => self.http,
            PortPurpose::Https => self.https,
        }
    }

    fn get_mut(&mut self, purpose: PortPurpose) -> &mut T {
        match purpose {
            PortPurpose::Node => &mut self.node,
            PortPurpose::PortForward => &mut self.port_forward,
            PortPurpose::Http => &mut self.http,
            PortPurpose::Https => &mut self.https,
        }
    }
}

impl Ports<Option<u16>> {
    /// What was asked for and could not be had.
    pub fn changes(&self, allocated: &Ports<u16>) -> Vec<PortChange> {
        let change = |purpose: PortPurpose| {
            let (requested, allocated) = (self.get(purpose)?, allocated.get(purpose));
            (requested != allocated).then_some(PortChange { purpose, requested, allocated })
        };
        PortPurpose::ALL.into_iter().filter_map(change).collect()
    }
}

impl PortRules {
    /// The node port of whoever shares it and names none: the one that the first workloads of a
    /// cluster listen on by convention.
    const NODE_PORT: u16 = 30080;

    /// The purposes whose ports are the host's.
    pub fn leased(&self) -> impl Iterator<Item = PortPurpose> {
        let shared = self.share_node_ports;
        PortPurpose::ALL.into_iter().filter(move |it| !(shared && *it == PortPurpose::Node))
    }

    /// Finds a port for each purpose: the one that is asked for, else one that was had `before`,
    /// else the first that is free. One that is taken gives way to the next free one.
    pub fn choose(
        &self,
        requested: &Ports<Option<u16>>,
        before: Option<&Ports<u16>>,
        taken: &TakenPorts,
    ) -> Result<Ports<u16>> {
        let (mut taken, mut chosen) = (taken.clone(), Ports::default());
        let known = |purpose| before.map(|before| before.get(purpose));
        if self.share_node_ports {
            let named = requested.node.or(known(PortPurpose::Node));
            chosen.node = named.unwrap_or(Self::NODE_PORT);
        }
        // Who names a port goes before who takes any.
        let (named, free): (Vec<_>, Vec<_>) =
            self.leased().partition(|purpose| requested.get(*purpose).is_some());
        for purpose in named.into_iter().chain(free) {
            let kept = known(purpose).filter(|port| !taken.contains(*port));
            let wanted = requested.get(purpose).or(kept).unwrap_or(self.range.first);
            let port = self.range.next_free(wanted, &taken)?;
            taken.insert(port);
            *chosen.get_mut(purpose) = port;
        }
        Ok(chosen)
    }
}

impl PortRange {
    /// The wanted port, else the next one of the range, which goes round.
    fn next_free(&self, wanted: u16, taken: &TakenPorts) -> Result<u16> {
        if !taken.contains(wanted) {
            return Ok(wanted);
        }
        let behind = taken.first_free(wanted.max(self.first)..=self.last);
        let free = behind.or_else(|| taken.first_free(self.first..=self.last));
        free.ok_or_else(|| Error::PortsExhausted { range: self.to_string() })
    }
}

impl TakenPorts {
    /// Answers whether it could be had until now.
    pub fn insert(&mut self, port: u16) -> bool {
        let free = !self.contains(port);
        if free {
            self.0.insert(port, port);
        }
        free
    }

    pub fn contains(&self, port: u16) -> bool {
        self.run_at(port).is_some()
    }

    /// The last port of the run that this one is in.
    fn run_at(&self, port: u16) -> Option<u16> {
        let (_, last) = self.0.range(..=port).next_back()?;
        (*last >= port).then_some(*last)
    }

    fn first_free(&self, among: RangeInclusive<u16>) -> Option<u16> {
        let mut port = *among.start();
        while let Some(last) = self.run_at(port) {
            port = last.checked_add(1)?;
        }
        among.contains(&port).then_some(port)
    }
}

/// From runs that have no port in common.
impl FromIterator<RangeInclusive<u16>> for TakenPorts {
    fn from_iter<I: IntoIterator<Item = RangeInclusive<u16>>>(runs: I) -> Self {
        Self(runs.into_iter().map(RangeInclusive::into_inner).collect())
    }
}

impl Default for PortRules {
    fn default() -> Self {
        Self { range: PortRange { first: 18000, last: 19999 }, share_node_ports: false }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for PortRange {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = |port: &str| port.trim().parse().ok().filter(|port: &u16| *port >= 1024);
        text.split_once('-')
            .and_then(|(first, last)| Some(Self { first: parse(first)?, last: parse(last)? }))
            .filter(|range| range.first <= range.last)
            .ok_or_else(|| Error::invalid("ports", "must be FIRST-LAST, from 1024 to 65535"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(range: &str, share_node_ports: bool) -> PortRules {
        PortRules { range: range.parse().expect("it is a range"), share_node_ports }
    }

    fn taken<const N: usize>(runs: [RangeInclusive<u16>; N]) -> TakenPorts {
        runs.into_iter().collect()
    }

    fn shown(ports: Ports<u16>) -> [u16; 4] {
        PortPurpose::ALL.map(|purpose| ports.get(purpose))
    }

    #[test]
    fn who_names_no_port_gets_the_first_free_ones() {
        let taken = taken([18000..=18000, 18002..=18002]);

        let chosen = rules("18000-18010", false).choose(&Ports::default(), None, &taken);

        assert_eq!(shown(chosen.expect("there are enough")), [18001, 18003, 18004, 18005]);
    }

    #[test]
    fn a_taken_port_gives_way_to_the_next_free_one_and_the_change_is_told() {
        let requested = Ports { http: Some(18009), https: Some(18009), ..Ports::default() };
        let requested = Ports { node: Some(30080), ..requested };
        let taken = taken([18009..=18009, 30080..=30080]);

        let chosen = rules("18000-18010", false).choose(&requested, None, &taken);

        let chosen = chosen.expect("there are enough");
        assert_eq!(shown(chosen), [18000, 18002, 18010, 18001]);
        let changes: Vec<_> = requested.changes(&chosen).iter().map(|it| it.allocated).collect();
        assert_eq!(changes, [18000, 18010, 18001]);
    }

    #[test]
    fn what_was_had_before_is_had_again_where_it_is_free() {
        let before = Ports { node: 18005, port_forward: 18006, http: 18007, https: 18008 };
        let taken = taken([18007..=18007]);

        let chosen = rules("18000-18010", false).choose(&Ports::default(), Some(&before), &taken);

        assert_eq!(shown(chosen.expect("there are enough")), [18005, 18006, 18000, 18008]);
    }

    #[test]
    fn a_shared_node_port_is_nobodys() {
        let taken = taken([18000..=18000]);
        let rules = rules("18000-18003", true);

        let chosen = rules.choose(&Ports::default(), None, &taken).expect("there are enough");

        assert_eq!(shown(chosen), [30080, 18001, 18002, 18003]);
    }

    #[test]
    fn runs_are_passed_over_whole_also_at_the_end_of_all_ports() {
        let mut taken = taken([18000..=18003, 18005..=18009, 65534..=65535]);

        assert!(taken.insert(18004));
        assert!(!taken.insert(18009));

        assert_eq!(taken.first_free(18000..=18010), Some(18010));
        assert_eq!(taken.first_free(18000..=18009), None);
        assert_eq!(taken.first_free(65534..=65535), None);
    }

    #[test]
    fn a_full_range_says_so() {
        let full =
            rules("18000-18002", false).choose(&Ports::default(), None, &TakenPorts::default());

        let range = match full {
            Err(Error::PortsExhausted { range }) => range,
            other => panic!("{other:?}"),
        };
        assert_eq!(range, "18000-18002");
        for bad in ["18000", "2-1", "80-90", "a-b", "65000-65536"] {
            assert!(bad.parse::<PortRange>().is_err(), "{bad}");
        }
    }
}
