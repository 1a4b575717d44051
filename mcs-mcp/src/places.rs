use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Room for something that not too much of may be there at a time, shared between those who have it.
#[derive(Debug)]
pub(crate) struct Places {
    /// What takes a place, such as `listeners are open`.
    what: &'static str,
    /// Most at a time.
    all: usize,
    /// Most of one owner.
    each: usize,
    taken: Mutex<HashMap<Arc<str>, usize>>,
}

/// Room for one, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    places: &'a Places,
    owner: Arc<str>,
}

/// Why there is no room.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    /// The owner has its share.
    #[error("{0} of your {1}, and no more are taken at a time; end one of them first")]
    Own(usize, &'static str),
    /// All together have all there is.
    #[error("{0} {1}, and no more are taken at a time; try again later")]
    All(usize, &'static str),
}

impl Places {
    pub(crate) fn new(what: &'static str, all: usize, each: usize) -> Self {
        Self {
            what,
            all,
            each,
            taken: Mutex::default(),
        }
    }

    /// Takes a place for `owner`, or says why there is none.
    pub(crate) fn take(&self, owner: &Arc<str>) -> Result<Place<'_>, Full> {
        let mut taken = self.taken();
        let own = taken.get(owner).copied().unwrap_or(0);
        if own >= self.each {
            return Err(Full::Own(self.each, self.what));
        }
        if taken.values().sum::<usize>() >= self.all {
            return Err(Full::All(self.all, self.what));
        }
        taken.insert(Arc::clone(owner), own + 1);
        Ok(Place {
            places: self,
            owner: Arc::clone(owner),
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(own) = taken.get_mut(&self.owner) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(number: usize) -> Arc<str> {
        number.to_string().into()
    }

    #[test]
    fn everybody_has_some_and_all_together_not_too_many() {
        let places = Places::new("listeners are open", 8, 3);
        let mut own: Vec<_> = (0..3).map(|_| places.take(&owner(0)).unwrap()).collect();
        let refused = places.take(&owner(0)).unwrap_err();
        assert_eq!(refused, Full::Own(3, "listeners are open"));
        own.pop();
        let again = places.take(&owner(0)).unwrap();
        let others: Vec<_> = (3..8).map(|number| places.take(&owner(number))).collect();
        assert!(others.iter().all(Result::is_ok));
        let refused = places.take(&owner(8)).unwrap_err();
        assert_eq!(refused, Full::All(8, "listeners are open"));
        drop((own, others, again));
        assert!(places.taken().is_empty());
    }
}
