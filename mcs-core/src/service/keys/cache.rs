use super::record::KnownKey;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long the store's word is believed. Another process may have changed it meanwhile.
const FRESH: Duration = Duration::from_millis(900);
/// Most keys that are remembered. Beyond that they are read again.
const KEYS: usize = 4096;

/// What the store said of keys a moment ago.
#[derive(Debug, Default)]
pub(in crate::service) struct KeyCache(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    known: HashMap<String, (Instant, Arc<KnownKey>)>,
    any: Option<(Instant, bool)>,
    /// Grows with each change that this process makes. What was read in an earlier round may be out of date already.
    round: u64,
}

impl KeyCache {
    pub(super) fn get(&self, id: &str) -> Option<Arc<KnownKey>> {
        let state = self.lock();
        let (read_at, known) = state.known.get(id)?;
        (read_at.elapsed() < FRESH).then(|| known.clone())
    }

    /// The round in which a read of the store begins.
    pub(super) fn round(&self) -> u64 {
        self.lock().round
    }

    /// Remembers what was read in `round`.
    pub(super) fn put(&self, id: &str, known: Arc<KnownKey>, round: u64) {
        let mut state = self.lock();
        if state.round != round {
            return;
        }
        if state.known.len() >= KEYS {
            state
                .known
                .retain(|_, (read_at, _)| read_at.elapsed() < FRESH);
        }
        if state.known.len() < KEYS {
            state.known.insert(id.to_owned(), (Instant::now(), known));
        }
    }

    /// Whether there are keys at all. Once there are, there always are.
    pub(super) fn any(&self) -> Option<bool> {
        let (read_at, any) = self.lock().any?;
        (any || read_at.elapsed() < FRESH).then_some(any)
    }

    pub(super) fn put_any(&self, any: bool, round: u64) {
        let mut state = self.lock();
        if state.round == round {
            state.any = Some((Instant::now(), any));
        }
    }

    /// Forgets the key, which was just changed.
    pub(super) fn forget(&self, id: &str) {
        let mut state = self.lock();
        state.round += 1;
        state.known.remove(id);
        if state.any.is_some_and(|(_, any)| !any) {
            state.any = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
