use super::Caller;
use super::attempts::{self, Attempts};
use super::who::Who;
use crate::problem::Problem;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// How often callers may ask.
#[derive(Debug)]
pub(crate) struct Limits {
    requests: Option<Limit<Who>>,
    logins: Attempts,
}

/// Most principals that are remembered before those who did not ask of late are forgotten. There are no more than keys.
const REMEMBERED: usize = 1000;

impl Limits {
    /// Limits of `rate` requests in a second; none if it is 0.
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            requests: NonZeroU32::new(rate).map(|rate| Limit::new(Quota::per_second(rate))),
            logins: Attempts::default(),
        }
    }

    /// Refuses a request of a caller that asks too often.
    pub(crate) fn check(&self, caller: &Caller) -> Result<(), Problem> {
        let Some(limit) = self.requests.as_ref().filter(|_| caller.is_limited()) else {
            return Ok(());
        };
        let who = Who::from(&caller.principal);
        limit.check(&who).map_err(|seconds| {
            let rate = limit.most();
            let name = &who.name;
            Problem::too_many(
                format!("`{name}` sent more than {rate} requests in a second; send fewer, or raise `http.rate_limit`"),
                seconds,
            )
        })
    }

    /// Counts a login, and refuses it where too many from its address came to nothing. `None` where the address is not known.
    pub(crate) fn check_login(&self, from: Option<IpAddr>) -> Result<(), Problem> {
        self.logins.begin(from).map_err(|seconds| {
            let most = attempts::MOST;
            let from = from.map_or("this address".to_owned(), |from| format!("`{from}`"));
            Problem::too_many(
                format!("{most} logins from {from} came to nothing within a minute; try again in {seconds} s"),
                u32::try_from(seconds).unwrap_or(u32::MAX),
            )
        })
    }

    /// Counts a login no more that succeeded.
    pub(crate) fn logged_in(&self, from: Option<IpAddr>) {
        self.logins.succeeded(from);
    }
}

#[derive(Debug)]
struct Limit<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    most: NonZeroU32,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(quota: Quota) -> Self {
        Self {
            limiter: RateLimiter::dashmap(quota),
            clock: DefaultClock::default(),
            most: quota.burst_size(),
        }
    }

    fn most(&self) -> NonZeroU32 {
        self.most
    }

    /// Takes one, or says in how many seconds there will be one.
    fn check(&self, key: &K) -> Result<(), u32> {
        let Err(refused) = self.limiter.check_key(key) else {
            return Ok(());
        };
        if self.limiter.len() > REMEMBERED {
            self.limiter.retain_recent();
        }
        let wait = refused.wait_time_from(self.clock.now());
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        Err(u32::try_from(seconds).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_told_when_to_come_back() {
        let most = NonZeroU32::new(20).unwrap();
        let limit = Limit::new(Quota::per_minute(most));
        for _ in 0..most.get() {
            assert_eq!(limit.check(&"ann"), Ok(()));
        }
        assert_eq!(limit.check(&"ann"), Err(3));
        assert_eq!(limit.check(&"bob"), Ok(()), "another one has its own");
    }
}
