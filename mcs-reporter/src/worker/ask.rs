//! Commands of callers.

use super::finish::Flush;
use super::flight::{self, HEALTH, VALIDATE};
use super::run::Worker;
use crate::cache::{Cache, CacheError};
use crate::command::{Command, DEAD_LETTERS, Reply};
use crate::drain::{self, answer::of_validation};
use crate::outcome::{AskError, Health, KeyCheck};
use crate::transport::{Response, TransportError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// Questions to the coordinator that may be under way at once.
const QUESTIONS: usize = 32;

impl Worker {
    /// Does what a caller asks for, or begins to.
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Sync { reply } => self.syncs.add(reply),
            Command::Flush { within, reply } => {
                let flush = Flush::new(reply, self.deadline(within), &self.shared.counters);
                self.flushes.push(flush);
                self.hurry();
            }
            Command::Shutdown { within, reply } => {
                let deadline = self.deadline(within);
                self.begin_end(reply, deadline);
            }
            Command::CheckHealth { reply } => self.check_health(reply),
            Command::ValidateKey { reply } => self.validate_key(reply),
            Command::Cleanup { max_age, reply } => {
                let removed = self.cleanup(max_age);
                let _ = reply.send(removed.ok_or_else(unavailable));
            }
            Command::DeadLetters { after, reply } => {
                let letters = self.ask_cache(|cache| cache.dead_letters(after, DEAD_LETTERS));
                let _ = reply.send(letters);
            }
            Command::ResendDeadLetters { reply } => {
                let resent = self.ask_cache(Cache::resend);
                self.refresh();
                let _ = reply.send(resent);
            }
        }
    }

    /// A question of a caller was answered.
    pub(super) fn questioned(&mut self) {
        if self.key_is_good.swap(false, Ordering::AcqRel) {
            self.policy.validated(drain::policy::Reply::Yes);
            self.resume_at = self.now();
        }
    }

    fn deadline(&self, within: Duration) -> Duration {
        self.now().saturating_add(within)
    }

    fn ask_cache<T>(
        &mut self,
        call: impl FnOnce(&mut Cache) -> Result<T, CacheError>,
    ) -> Result<T, AskError> {
        let Some(cache) = self.cache.as_mut() else {
            return Err(unavailable());
        };
        call(cache).map_err(|error| {
            self.cache_failed(&error);
            AskError::Cache(error.to_string())
        })
    }

    fn check_health(&mut self, reply: Reply<Health>) {
        let began = Instant::now();
        self.question(HEALTH, move |answer| {
            let health = match answer {
                Ok(response) if (200..300).contains(&response.status) => {
                    Health::Up(began.elapsed())
                }
                Ok(response) => Health::Unwell(response.status),
                Err(error) => Health::Unreachable(error.to_string()),
            };
            let _ = reply.send(health);
        });
    }

    fn validate_key(&mut self, reply: Reply<KeyCheck>) {
        let is_good = Arc::clone(&self.key_is_good);
        let mcp_id = self.shared.settings.mcp_id.clone();
        self.question(VALIDATE, move |answer| {
            if of_validation(&answer, &mcp_id) == drain::policy::Reply::Yes {
                is_good.store(true, Ordering::Release);
            }
            let check = match answer {
                Ok(response) => match response.status {
                    200..=299 => KeyCheck::Valid,
                    401 | 403 => KeyCheck::Refused,
                    status => KeyCheck::Unknown(format!("the coordinator answered {status}")),
                },
                Err(error) => KeyCheck::Unknown(error.to_string()),
            };
            let _ = reply.send(check);
        });
    }

    /// Asks the coordinator something, beside what the drain does.
    fn question(
        &mut self,
        path: &str,
        answered: impl FnOnce(Result<Response, TransportError>) + Send + 'static,
    ) {
        if self.questions.len() >= QUESTIONS {
            let why = format!("{QUESTIONS} such questions are under way; ask again later");
            return answered(Err(TransportError::Broken(why)));
        }
        let request = self.request(path, Vec::new(), self.shared.settings.timeout);
        let transport = Arc::clone(&self.transport);
        self.questions.spawn(async move {
            let sent = tokio::spawn(async move { flight::send(&*transport, request).await });
            answered(
                sent.await
                    .unwrap_or_else(|error| Err(flight::of_join(&error))),
            );
        });
    }
}

fn unavailable() -> AskError {
    AskError::Cache("it is not open; the log says why".to_owned())
}
