use super::Caller;
use super::who::Who;
use crate::hex::hex;
use mcs_core::provider::secret::Secret;
use mcs_core::service::TokenHash;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The sessions of pages, in memory: they are gone with the process. Only the hashes of their ids are kept.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: HashMap<TokenHash, Session>,
    /// The oldest first, which are the ones that end first.
    order: VecDeque<TokenHash>,
}

#[derive(Debug)]
struct Session {
    /// Who logged in.
    caller: Caller,
    until: Instant,
}

/// How long a session lasts.
pub(crate) const LASTS: Duration = Duration::from_hours(12);
/// Most sessions, and most of one principal, so that none logs out all others. The oldest makes room.
const MOST: usize = 1000;
const MOST_EACH: usize = 100;
const ID_BYTES: usize = 32;

impl Sessions {
    /// Opens a session of `caller`, and returns its id.
    pub(crate) fn open(&self, caller: Caller) -> Result<Secret, getrandom::Error> {
        let mut bytes = [0; ID_BYTES];
        getrandom::fill(&mut bytes)?;
        let id = hex(&bytes);
        let hash = TokenHash::of(&id);
        let now = Instant::now();
        let until = now + LASTS;
        let mut state = self.lock();
        state.make_room(now);
        state.make_room_among(&Who::from(&caller.principal));
        state.order.push_back(hash);
        state.open.insert(hash, Session { caller, until });
        Ok(Secret::new(id))
    }

    /// Who logged in, if the session is open.
    pub(crate) fn find(&self, id: &str) -> Option<Caller> {
        let hash = TokenHash::of(id);
        let state = self.lock();
        let session = state.open.get(&hash)?;
        let open = Instant::now() < session.until;
        open.then(|| session.caller.clone().in_session(hash))
    }

    /// Whether the session is open.
    pub(crate) fn is_open(&self, hash: &TokenHash) -> bool {
        let state = self.lock();
        let session = state.open.get(hash);
        session.is_some_and(|session| Instant::now() < session.until)
    }

    /// Ends the session, if there is one.
    pub(crate) fn close(&self, hash: &TokenHash) {
        let mut state = self.lock();
        if state.open.remove(hash).is_some() {
            state.order.retain(|other| other != hash);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn make_room(&mut self, now: Instant) {
        while let Some(oldest) = self.order.front() {
            let over = self.open.get(oldest).is_none_or(|one| one.until <= now);
            if !over && self.order.len() < MOST {
                return;
            }
            self.open.remove(oldest);
            self.order.pop_front();
        }
    }

    /// Ends the oldest session of `who` where it has as many as one may have.
    fn make_room_among(&mut self, who: &Who) {
        let is_of = |hash: &TokenHash| {
            let session = self.open.get(hash);
            session.is_some_and(|session| Who::from(&session.caller.principal) == *who)
        };
        let mut places = (0..self.order.len()).filter(|place| is_of(&self.order[*place]));
        let Some(oldest) = places.next() else {
            return;
        };
        if places.count() + 1 >= MOST_EACH
            && let Some(hash) = self.order.remove(oldest)
        {
            self.open.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcs_core::service::{Principal, Scopes};

    fn open(sessions: &Sessions) -> Secret {
        sessions
            .open(Caller::at_open_door(Principal::local()))
            .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_lasts_its_time_and_until_it_is_closed() {
        let sessions = Sessions::default();
        let (one, two) = (open(&sessions), open(&sessions));
        assert_ne!(one, two);
        assert!(sessions.find(one.expose()).is_some());
        assert!(sessions.find("").is_none());
        sessions.close(&TokenHash::of(one.expose()));
        assert!(sessions.find(one.expose()).is_none());
        assert!(sessions.is_open(&TokenHash::of(two.expose())));
        tokio::time::advance(LASTS).await;
        assert!(sessions.find(two.expose()).is_none());
        assert!(!sessions.is_open(&TokenHash::of(two.expose())));
        open(&sessions);
        assert_eq!(sessions.lock().open.len(), 1, "what is over is forgotten");
    }

    fn open_of(sessions: &Sessions, name: &str) -> Secret {
        let principal = Principal::new(name, Scopes::default());
        sessions.open(Caller::at_open_door(principal)).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_logs_out_others_with_its_own_logins() {
        let sessions = Sessions::default();
        let bobs = open_of(&sessions, "bob");
        let anns: Vec<_> = (0..2 * MOST).map(|_| open_of(&sessions, "ann")).collect();
        assert!(sessions.find(bobs.expose()).is_some());
        let open = anns
            .iter()
            .filter(|id| sessions.find(id.expose()).is_some());
        assert_eq!(open.count(), MOST_EACH);
        assert!(sessions.find(anns[2 * MOST - MOST_EACH].expose()).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_makes_room() {
        let sessions = Sessions::default();
        let ids: Vec<_> = (0..=MOST)
            .map(|n| open_of(&sessions, &format!("user {}", n % 11)))
            .collect();
        assert!(sessions.find(ids[0].expose()).is_none());
        assert!(sessions.find(ids[1].expose()).is_some());
        assert_eq!(sessions.lock().order.len(), MOST);
        assert_eq!(sessions.lock().open.len(), MOST);
    }
}
