use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Logins that came to nothing, by the address that they came from; `None` where it is not known. Those that succeed count
/// for nothing, so that the many who come by way of one proxy have no use for their limit.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    of: HashMap<Option<IpAddr>, Count>,
    /// Those who began first come first.
    order: VecDeque<Option<IpAddr>>,
}

#[derive(Debug)]
struct Count {
    began: Instant,
    attempts: u32,
}

/// Most that come to nothing from one address within that time.
pub(super) const MOST: u32 = 20;
const WITHIN: Duration = Duration::from_mins(1);
/// Most addresses that are remembered. The oldest is forgotten for a new one.
const REMEMBERED: usize = 4096;

impl Attempts {
    /// Counts one from `address`, or says after how many seconds there may be one. It is counted before anybody knows what
    /// comes of it, so that many at a time are no way around the limit.
    pub(super) fn begin(&self, address: Option<IpAddr>) -> Result<(), u64> {
        let address = address.map(network);
        let now = Instant::now();
        let mut state = self.lock();
        state.forget(now);
        if let Some(count) = state.of.get_mut(&address) {
            if count.attempts >= MOST {
                let left = WITHIN.saturating_sub(now - count.began);
                return Err(left.as_secs().max(1));
            }
            count.attempts += 1;
            return Ok(());
        }
        if state.order.len() >= REMEMBERED
            && let Some(oldest) = state.order.pop_front()
        {
            state.of.remove(&oldest);
        }
        state.order.push_back(address);
        let first = Count {
            began: now,
            attempts: 1,
        };
        state.of.insert(address, first);
        Ok(())
    }

    /// Takes one back, which succeeded.
    pub(super) fn succeeded(&self, address: Option<IpAddr>) {
        if let Some(count) = self.lock().of.get_mut(&address.map(network)) {
            count.attempts = count.attempts.saturating_sub(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, now: Instant) {
        while let Some(first) = self.order.front() {
            if self
                .of
                .get(first)
                .is_some_and(|one| now - one.began < WITHIN)
            {
                return;
            }
            self.of.remove(first);
            self.order.pop_front();
        }
    }
}

/// What one caller has for itself: with IPv6 that is a whole network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_to_nothing_is_counted_for_a_minute() {
        let attempts = Attempts::default();
        let (ann, bob) = (Some(address("10.0.0.1")), Some(address("10.0.0.2")));
        for _ in 0..10 * MOST {
            attempts.begin(ann).unwrap();
            attempts.succeeded(ann);
        }
        for _ in 0..MOST {
            attempts.begin(ann).unwrap();
        }
        assert_eq!(attempts.begin(ann), Err(60));
        assert_eq!(attempts.begin(Some(address("::ffff:10.0.0.1"))), Err(60));
        assert_eq!(attempts.begin(bob), Ok(()), "another one has its own");
        tokio::time::advance(WITHIN).await;
        assert_eq!(attempts.begin(ann), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_is_one_address_and_no_more_are_remembered_than_there_is_room_for() {
        let attempts = Attempts::default();
        for host in 0..u64::from(MOST) {
            let host = IpAddr::from((0x2001_0db8_u128 << 96 | u128::from(host)).to_be_bytes());
            attempts.begin(Some(host)).unwrap();
        }
        assert!(attempts.begin(Some(address("2001:db8::ffff"))).is_err());
        assert!(attempts.begin(Some(address("2001:db8:0:1::1"))).is_ok());
        for host in 0..100_000_u32 {
            attempts
                .begin(Some(IpAddr::from(host.to_be_bytes())))
                .unwrap();
        }
        let state = attempts.lock();
        assert_eq!(
            (state.of.len(), state.order.len()),
            (REMEMBERED, REMEMBERED)
        );
    }
}
