//! How many requests one address may make, and how many connections it may hold.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Addresses that are remembered at once.
const MAX_ADDRESSES: usize = 10_000;

/// So many times what one subscriber has is for all those who share half of a subscriber's prefix: whoever has an IPv6
/// /48 has 65,536 subscribers' addresses in it.
const NEIGHBOURS: f64 = 8.0;

/// A token bucket per subscriber: `per_minute` requests, refilled steadily, all of them at once at most.
#[derive(Debug)]
pub struct RateLimiter {
    per_minute: u32,
    buckets: Mutex<HashMap<IpNet, Bucket>>,
}

/// Addresses that share a bucket: the first of them, and how many bits they share.
type IpNet = (IpAddr, u32);

#[derive(Debug)]
struct Bucket {
    most: f64,
    left: f64,
    at: i64,
}

impl Bucket {
    /// What is in it at `now`.
    fn left(&self, now: i64) -> f64 {
        let passed = f64::from(u32::try_from(now.saturating_sub(self.at)).unwrap_or(0));
        (self.left + passed * self.most / 60.0).min(self.most)
    }
}

impl RateLimiter {
    /// A limiter.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, buckets: Mutex::default() }
    }

    /// Seconds after which whoever was refused is admitted once more.
    #[must_use]
    pub fn seconds_for_one(&self) -> u32 {
        60_u32.div_ceil(self.per_minute.max(1))
    }

    /// Whether a request from `address` at `now` (Unix time in seconds) is within the limit.
    pub fn admits(&self, address: IpAddr, now: i64) -> bool {
        let per_minute = f64::from(self.per_minute);
        let subscriber = subscriber(address);
        let wide = match subscriber {
            IpAddr::V6(six) => Some(((prefix(six, 48).into(), 48), per_minute * NEIGHBOURS)),
            IpAddr::V4(_) => None,
        };
        let nets = std::iter::once(((subscriber, 64), per_minute)).chain(wide);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES {
            make_room(&mut buckets, now);
        }
        let mut admitted = true;
        for (net, most) in nets.clone() {
            let bucket = buckets.entry(net).or_insert(Bucket { most, left: most, at: now });
            bucket.left = bucket.left(now);
            bucket.at = now;
            admitted &= bucket.left >= 1.0;
        }
        if admitted {
            for (net, _) in nets {
                if let Some(bucket) = buckets.get_mut(&net) {
                    bucket.left -= 1.0;
                }
            }
        }
        admitted
    }
}

/// Forgets the fuller half, first of all the buckets that are full again and say nothing: so nobody is forgotten who has
/// used up what he has.
fn make_room(buckets: &mut HashMap<IpNet, Bucket>, now: i64) {
    let level = |bucket: &Bucket| bucket.left(now) / bucket.most;
    buckets.retain(|_, bucket| level(bucket) < 1.0);
    if buckets.len() < MAX_ADDRESSES {
        return;
    }
    let mut by_level: Vec<(IpNet, f64)> = buckets.iter().map(|(net, bucket)| (*net, level(bucket))).collect();
    by_level.sort_unstable_by(|(_, a), (_, b)| a.total_cmp(b));
    for (net, _) in by_level.split_off(by_level.len() / 2) {
        buckets.remove(&net);
    }
}

/// Who is connected: so many at once, and of one subscriber a quarter of them.
#[derive(Debug, Clone)]
pub(super) struct Connections(Arc<Held>);

#[derive(Debug)]
struct Held {
    most: usize,
    by: Mutex<HashMap<IpAddr, usize>>,
}

/// The right to one connection; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    held: Arc<Held>,
    subscriber: IpAddr,
}

impl Connections {
    /// `most` at once.
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Held { most, by: Mutex::default() }))
    }

    /// A slot for a connection from `address`, where one is left.
    pub(super) fn slot(&self, address: IpAddr) -> Option<Slot> {
        let subscriber = subscriber(address);
        let mut by = self.0.by.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = by.values().sum();
        let own = by.get(&subscriber).copied().unwrap_or(0);
        if all >= self.0.most || own >= (self.0.most / 4).max(1) {
            return None;
        }
        by.insert(subscriber, own + 1);
        Some(Slot { held: Arc::clone(&self.0), subscriber })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut by = self.held.by.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = by.get_mut(&self.subscriber) {
            *own -= 1;
            if *own == 0 {
                by.remove(&self.subscriber);
            }
        }
    }
}

/// Who is meant by an address: of IPv6 the first half, since one subscriber has all of the second
/// (RFC 6177).
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => prefix(six, 64).into(),
        four => four,
    }
}

/// The first address that shares `bits` (1 to 128) with this one.
fn prefix(six: Ipv6Addr, bits: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << (128 - bits)))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn one_address_does_not_use_up_anothers() {
        let limiter = RateLimiter::new(60);
        let [a, b] = [1, 2].map(|n| IpAddr::V4(Ipv4Addr::new(192, 0, 2, n)));
        assert_eq!((0..100).filter(|_| limiter.admits(a, 1000)).count(), 60);
        assert!(limiter.admits(b, 1000));
        assert_eq!((0..100).filter(|_| limiter.admits(a, 1010)).count(), 10);
        assert!(!limiter.admits(a, 900), "a clock that goes back refills nothing");
    }
    #[test]
    fn a_subscriber_has_one_bucket_however_many_addresses() {
        let limiter = RateLimiter::new(60);
        let six = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!((0..100).filter(|n| limiter.admits(six(&format!("2001:db8:0:1::{n:x}")), 1000)).count(), 60);
        assert!(limiter.admits(six("2001:db8:0:2::1"), 1000));
        assert!((0..60).all(|_| limiter.admits(six("::ffff:192.0.2.1"), 1000)));
        assert!(!limiter.admits(six("192.0.2.1"), 1000), "mapped or not, it is one address");
        assert!(limiter.admits(six("::ffff:192.0.2.2"), 1000));
    }

    #[test]
    fn nobody_gets_rid_of_his_limit_by_many_addresses() {
        let limiter = RateLimiter::new(60);
        let six = |high: u64, low: u16| {
            IpAddr::from(Ipv6Addr::from_bits(u128::from(0x2001_0db8_0000_0000 + (high << 16) + u64::from(low)) << 64))
        };
        let within = (0..2_000).filter(|n| limiter.admits(six(0, *n), 1000)).count();
        assert_eq!(within, 480, "all of a /48 together");
        assert!(limiter.admits(six(1, 0), 1000), "another one");
        // somebody who used up his share, and then ten thousand others
        let four = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n));
        assert_eq!((0..100).filter(|_| limiter.admits(four(0), 1000)).count(), 60);
        assert!((1..30_000).all(|n| limiter.admits(four(n), 1000)));
        assert!(!limiter.admits(four(0), 1000) && !limiter.admits(six(0, 0), 1000), "they are not forgotten");
        assert!(limiter.buckets.lock().unwrap().len() <= MAX_ADDRESSES + 1);
    }

    #[test]
    fn nobody_holds_all_connections() {
        let connections = Connections::new(8);
        let [a, b, c, d, e] = [1, 2, 3, 4, 5].map(|n| IpAddr::V4(Ipv4Addr::new(192, 0, 2, n)));
        let mut held: Vec<Slot> = (0..8).filter_map(|_| connections.slot(a)).collect();
        assert_eq!(held.len(), 2, "a quarter");
        held.extend([b, b, c, c, d, d].iter().filter_map(|address| connections.slot(*address)));
        assert_eq!(held.len(), 8);
        assert!(connections.slot(e).is_none(), "all are held");
        held.remove(0);
        assert!(connections.slot(e).is_some(), "one was given back");
        drop(held);
        assert!(connections.0.by.lock().unwrap().is_empty(), "nobody is remembered");
        assert!(Connections::new(1).slot(a).is_some());
    }
}
