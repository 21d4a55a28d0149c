use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{
    http::{address::Address, limits::Limits},
    metrics::Refused,
};

/// How many connections there are, in all and from each address.
#[derive(Default)]
pub struct Places(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    total: usize,
    by_address: HashMap<Address, usize>,
}

/// One connection's place, given back when it is dropped.
pub struct Place {
    places: Arc<Places>,
    /// None for a proxy, which speaks for many.
    address: Option<Address>,
}

impl Places {
    /// A place for a connection from `peer`, which is a proxy or counts against its address.
    pub fn take(
        self: &Arc<Self>,
        peer: IpAddr,
        is_proxy: bool,
        limits: &Limits,
    ) -> Result<Place, Refused> {
        let mut taken = self.taken();
        if taken.total >= limits.connections {
            return Err(Refused::Total);
        }
        let address = Some(Address::of(peer)).filter(|_| !is_proxy);
        if let Some(address) = address {
            let held = taken.by_address.entry(address).or_default();
            if *held >= limits.connections_per_address {
                return Err(Refused::Address);
            }
            *held += 1;
        }
        taken.total += 1;
        Ok(Place { places: Arc::clone(self), address })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.total -= 1;
        let Some(address) = self.address else { return };
        if let Some(held) = taken.by_address.get_mut(&address) {
            *held -= 1;
            if *held == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_in_all_and_by_address_and_come_back() {
        let places = Arc::new(Places::default());
        let limits = Limits { connections: 3, connections_per_address: 2, ..Limits::default() };
        let take = |peer: &str, is_proxy| places.take(peer.parse().unwrap(), is_proxy, &limits);

        let held = [take("192.0.2.1", false), take("192.0.2.1", false)];
        assert_eq!(take("192.0.2.1", false).err(), Some(Refused::Address));
        let proxy = take("192.0.2.1", true);
        assert!(proxy.is_ok());
        assert_eq!(take("192.0.2.2", false).err(), Some(Refused::Total));

        drop((held, proxy));
        assert!(take("192.0.2.1", false).is_ok());
        assert_eq!(places.taken().total, 0);
        assert!(places.taken().by_address.is_empty());
    }
}
