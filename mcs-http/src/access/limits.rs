use super::Caller;
use crate::problem::Problem;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

/// How often callers may ask.
#[derive(Debug)]
pub(crate) struct Limits {
    requests: Option<Limit<Who>>,
    logins: Limit<Option<IpAddr>>,
}

/// A principal. Those of users and of MCP servers have no names in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Who {
    name: Arc<str>,
    is_mcp: bool,
}

/// Most logins from one address in a minute.
const LOGINS: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Most that is remembered of one limit before what is of no account any more is forgotten.
const REMEMBERED: usize = 1000;

impl Limits {
    /// Limits of `rate` requests in a second; none if it is 0.
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            requests: NonZeroU32::new(rate).map(|rate| Limit::new(Quota::per_second(rate))),
            logins: Limit::new(Quota::per_minute(LOGINS)),
        }
    }

    /// Refuses a request of a caller that asks too often.
    pub(crate) fn check(&self, caller: &Caller) -> Result<(), Problem> {
        let Some(limit) = self.requests.as_ref().filter(|_| caller.is_limited()) else {
            return Ok(());
        };
        let principal = &caller.principal;
        let who = Who {
            name: principal.name.clone(),
            is_mcp: principal.mcp_id.is_some(),
        };
        limit.check(&who).map_err(|seconds| {
            let rate = limit.most();
            let name = &principal.name;
            Problem::too_many(
                format!("`{name}` sent more than {rate} requests in a second; send fewer, or raise `http.rate_limit`"),
                seconds,
            )
        })
    }

    /// Refuses a login from an address that tries too often. `None` where the address is not known.
    pub(crate) fn check_login(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        self.logins.check(&address).map_err(|seconds| {
            let problem = "too many logins from this address; wait a moment and try again";
            Problem::too_many(problem, seconds)
        })
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
        let limit = Limit::new(Quota::per_minute(LOGINS));
        for _ in 0..LOGINS.get() {
            assert_eq!(limit.check(&"ann"), Ok(()));
        }
        assert_eq!(limit.check(&"ann"), Err(3));
        assert_eq!(limit.check(&"bob"), Ok(()), "another one has its own");
    }
}
