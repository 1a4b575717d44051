//! Names that callers choose, of which only so many become values of labels.

use super::OTHER;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// Pairs of names that are told apart.
const PAIRS: usize = 100;

/// One `V` for each pair of names, and one for all pairs beyond the bound.
pub(super) struct PerPair<V> {
    made: RwLock<Made<V>>,
    make: fn(&str, &str) -> V,
}

struct Made<V> {
    named: HashMap<Box<str>, HashMap<Box<str>, Arc<V>>>,
    count: usize,
    other: Option<Arc<V>>,
}

impl<V> PerPair<V> {
    pub(super) fn new(make: fn(&str, &str) -> V) -> Self {
        Self {
            made: RwLock::new(Made {
                named: HashMap::new(),
                count: 0,
                other: None,
            }),
            make,
        }
    }

    /// That of this pair, which is made when it is first asked for.
    pub(super) fn get(&self, first: &str, second: &str) -> Arc<V> {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = made.find(first, second) {
            return found;
        }
        drop(made);
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have made it since.
        if let Some(found) = made.find(first, second) {
            return found;
        }
        if made.count >= PAIRS {
            let other = made
                .other
                .get_or_insert_with(|| Arc::new((self.make)(OTHER, OTHER)));
            return Arc::clone(other);
        }
        let new = Arc::new((self.make)(first, second));
        made.count += 1;
        let of_first = made.named.entry(first.into()).or_default();
        of_first.insert(second.into(), Arc::clone(&new));
        new
    }
}

impl<V> Made<V> {
    fn find(&self, first: &str, second: &str) -> Option<Arc<V>> {
        let named = self
            .named
            .get(first)
            .and_then(|of_first| of_first.get(second));
        let full = || self.other.as_ref().filter(|_| self.count >= PAIRS);
        named.or_else(full).cloned()
    }
}

impl<V> fmt::Debug for PerPair<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerPair").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_has_its_own_until_there_are_too_many() {
        let pairs = PerPair::new(|first, second| format!("{first}/{second}"));
        for number in 0..PAIRS {
            let name = number.to_string();
            assert_eq!(*pairs.get("a", &name), format!("a/{name}"));
        }
        assert!(Arc::ptr_eq(&pairs.get("a", "0"), &pairs.get("a", "0")));
        assert_eq!(*pairs.get("b", "0"), "other/other");
        assert_eq!(*pairs.get("b", "1"), "other/other");
        assert_eq!(*pairs.get("a", "99"), "a/99");
    }
}
