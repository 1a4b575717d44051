use super::Caller;
use super::who::Who;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Places that callers have together, and of which none has them all.
#[derive(Debug)]
pub(crate) struct Shares {
    all: Arc<Semaphore>,
    most: usize,
    /// Most that one principal may have.
    each: usize,
    /// What is left of those who have something.
    own: Mutex<HashMap<Who, Weak<Semaphore>>>,
}

/// What one caller may have of it.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    all: Arc<Semaphore>,
    /// `None` for who has no share but all.
    own: Option<Arc<Semaphore>>,
}

/// Some places, for as long as it is kept.
#[derive(Debug, Default)]
pub(crate) struct Place {
    all: Option<OwnedSemaphorePermit>,
    own: Option<OwnedSemaphorePermit>,
}

/// Why there was no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// Others have it.
    All,
    /// The caller has its share.
    Own,
}

/// Most principals that are remembered before those who have nothing are forgotten.
const REMEMBERED: usize = 1000;

impl Shares {
    pub(crate) fn new(most: usize, each: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(most)),
            most,
            each,
            own: Mutex::default(),
        }
    }

    /// All places.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// Most places of one principal.
    pub(crate) const fn each(&self) -> usize {
        self.each
    }

    /// The places that are taken.
    #[cfg(any(feature = "metrics", test))]
    pub(crate) fn taken(&self) -> usize {
        self.most.saturating_sub(self.all.available_permits())
    }

    /// The share of the caller, which is that of its principal. Who may ask as often as it likes may have them all.
    pub(crate) fn of(&self, caller: &Caller) -> Share {
        let limited = caller.is_limited();
        Share {
            all: self.all.clone(),
            own: limited.then(|| self.own(Who::from(&caller.principal))),
        }
    }

    fn own(&self, who: Who) -> Arc<Semaphore> {
        let mut known = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = known.get(&who).and_then(Weak::upgrade) {
            return own;
        }
        if known.len() >= REMEMBERED {
            known.retain(|_, own| own.strong_count() > 0);
        }
        let own = Arc::new(Semaphore::new(self.each));
        known.insert(who, Arc::downgrade(&own));
        own
    }
}

impl Share {
    /// A place, if there is one.
    pub(crate) fn take_one(&self) -> Result<Place, Full> {
        let own = self.own.clone().map(Semaphore::try_acquire_owned);
        let own = own.transpose().map_err(|_| Full::Own)?;
        let all = self.all.clone().try_acquire_owned();
        let all = all.map_err(|_| Full::All)?;
        Ok(Place {
            all: Some(all),
            own,
        })
    }

    /// So many places, once there are so many, unless it takes longer than `wait`.
    pub(crate) async fn take(&self, places: usize, wait: Duration) -> Result<Place, Full> {
        let places = u32::try_from(places).unwrap_or(u32::MAX);
        let own = match &self.own {
            Some(own) => Some(acquire(own, places, wait).await.ok_or(Full::Own)?),
            None => None,
        };
        let all = acquire(&self.all, places, wait).await.ok_or(Full::All)?;
        Ok(Place {
            all: Some(all),
            own,
        })
    }
}

/// Nothing closes it, so that there is none means that it took too long.
async fn acquire(
    places: &Arc<Semaphore>,
    count: u32,
    wait: Duration,
) -> Option<OwnedSemaphorePermit> {
    let taken = timeout(wait, places.clone().acquire_many_owned(count));
    taken.await.ok()?.ok()
}

impl Place {
    /// These and those of the same share.
    pub(crate) fn merge(&mut self, more: Self) {
        for (had, more) in [(&mut self.all, more.all), (&mut self.own, more.own)] {
            match (had.as_mut(), more) {
                (Some(had), Some(more)) => had.merge(more),
                (None, more) => *had = more,
                (Some(_), None) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcs_core::service::{Principal, Scopes};

    const WAIT: Duration = Duration::from_secs(2);

    fn share(shares: &Shares, name: &str) -> Share {
        let who = Who::from(&Principal::new(name, Scopes::default()));
        Share {
            all: shares.all.clone(),
            own: Some(shares.own(who)),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_has_more_than_its_share_and_all_have_no_more_than_there_is() {
        let shares = Shares::new(5, 2);
        let ann = share(&shares, "ann");
        let mut anns = ann.take_one().unwrap();
        anns.merge(ann.take(1, WAIT).await.unwrap());
        assert_eq!(ann.take_one().unwrap_err(), Full::Own);
        assert_eq!(
            share(&shares, "ann").take(1, WAIT).await.unwrap_err(),
            Full::Own
        );
        let bobs = share(&shares, "bob").take(2, WAIT).await.unwrap();
        let cids = share(&shares, "cid");
        let last = cids.take_one().unwrap();
        assert_eq!(cids.take_one().unwrap_err(), Full::All);
        assert_eq!(cids.take(1, WAIT).await.unwrap_err(), Full::All);
        assert_eq!(shares.taken(), 5);
        drop((anns, bobs, last));
        assert_eq!(shares.taken(), 0);
        ann.take(2, WAIT).await.unwrap();
    }

    #[test]
    fn those_who_have_nothing_are_forgotten() {
        let shares = Shares::new(5, 2);
        let kept = share(&shares, "ann").take_one().unwrap();
        for other in 0..3 * REMEMBERED {
            share(&shares, &other.to_string());
        }
        assert!(shares.own.lock().unwrap().len() <= REMEMBERED);
        let ann = share(&shares, "ann");
        ann.take_one().unwrap();
        let _second = ann.take_one().unwrap();
        assert_eq!(
            ann.take_one().unwrap_err(),
            Full::Own,
            "{kept:?} is remembered"
        );
    }
}
