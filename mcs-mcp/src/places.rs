use rmcp::model::ErrorData;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most listeners at a time.
const ALL: usize = 1024;
/// Most of one owner.
const EACH: usize = 64;

/// Room for listeners, shared between those who listen.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<HashMap<Arc<str>, usize>>);

/// Room for one listener, until it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    places: &'a Places,
    owner: Arc<str>,
}

impl Places {
    /// Takes a place for `owner`, or says why there is none.
    pub(super) fn take(&self, owner: &Arc<str>) -> Result<Place<'_>, ErrorData> {
        let mut taken = self.taken();
        let own = taken.get(owner).copied().unwrap_or(0);
        if own >= EACH {
            return Err(refused(format!(
                "{EACH} of your listeners are open, and no more are taken; end one of them first"
            )));
        }
        if taken.values().sum::<usize>() >= ALL {
            return Err(refused(format!(
                "{ALL} listeners are open, and no more are taken; try again later"
            )));
        }
        taken.insert(Arc::clone(owner), own + 1);
        Ok(Place {
            places: self,
            owner: Arc::clone(owner),
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

fn refused(message: String) -> ErrorData {
    ErrorData::invalid_request(message, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(number: usize) -> Arc<str> {
        number.to_string().into()
    }

    #[test]
    fn everybody_has_some_and_all_together_not_too_many() {
        let places = Places::default();
        let mut own: Vec<_> = (0..EACH).map(|_| places.take(&owner(0)).unwrap()).collect();
        let refused = places.take(&owner(0)).unwrap_err();
        assert!(refused.message.contains("end one"), "{}", refused.message);
        own.pop();
        let again = places.take(&owner(0)).unwrap();
        let others: Vec<_> = (EACH..ALL)
            .map(|number| places.take(&owner(number)))
            .collect();
        assert!(others.iter().all(Result::is_ok));
        let refused = places.take(&owner(ALL)).unwrap_err();
        assert!(refused.message.contains("later"), "{}", refused.message);
        drop((own, others, again));
        assert!(places.taken().is_empty());
    }
}
