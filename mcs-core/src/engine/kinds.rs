//! The kinds an engine knows: their schemas, their executors, and whether these can run.

use super::EngineError;
use super::slots::KindSlots;
use crate::domain::{InvalidInput, Json, check_name};
use crate::executor::{Availability, Executor, KindSpec};
use futures_util::FutureExt;
use jsonschema::Validator;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

/// How long the answer of [`Executor::check`] is believed.
const CHECK_FRESH: Duration = Duration::from_secs(10);
/// How long [`Executor::check`] may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest part of a refused payload that an error repeats, in bytes.
const REPEATED_BYTES: usize = 300;

/// Every kind by name. Kinds come, also while the engine runs, and none goes.
#[derive(Debug, Default)]
pub(super) struct KindRegistry {
    kinds: RwLock<BTreeMap<Arc<str>, Arc<Kind>>>,
    added: Notify,
}

/// A kind, and whether it can run.
#[derive(Debug, Clone, PartialEq)]
pub struct KindStatus {
    /// What it is.
    pub spec: KindSpec,
    /// Whether its executor can run here; `None` where nothing here runs it.
    pub availability: Option<Availability>,
}

/// One kind.
#[derive(Debug)]
pub(super) struct Kind {
    spec: Arc<KindSpec>,
    validator: Option<Validator>,
    runner: Option<Runner>,
}

#[derive(Debug)]
struct Runner {
    executor: Arc<dyn Executor>,
    slots: Option<Arc<KindSlots>>,
    checked: Mutex<Option<(Instant, Availability)>>,
    /// Of those who find no fresh answer, one asks.
    turn: Semaphore,
}

impl KindRegistry {
    /// Adds a kind, with the executor that runs it here if there is one.
    pub(super) fn register(
        &self,
        spec: KindSpec,
        executor: Option<Arc<dyn Executor>>,
    ) -> Result<(), EngineError> {
        check_name("kind", &spec.name)?;
        let name: Arc<str> = spec.name.as_str().into();
        let compile = |schema| {
            jsonschema::validator_for(schema).map_err(|error| EngineError::Schema {
                kind: spec.name.clone(),
                problem: error.to_string(),
            })
        };
        let validator = spec.schema.as_ref().map(compile).transpose()?;
        let runner = executor.map(|executor| Runner {
            slots: executor
                .at_once()
                .map(|most| Arc::new(KindSlots::new(Arc::clone(&name), most.max(1)))),
            executor,
            checked: Mutex::default(),
            turn: Semaphore::new(1),
        });
        let kind = Kind {
            spec: Arc::new(spec),
            validator,
            runner,
        };
        let mut kinds = self.kinds.write().unwrap_or_else(PoisonError::into_inner);
        match kinds.entry(name) {
            Occupied(_) => {
                return Err(EngineError::DuplicateKind {
                    kind: kind.spec.name.clone(),
                });
            }
            Vacant(place) => place.insert(Arc::new(kind)),
        };
        drop(kinds);
        self.added.notify_one();
        Ok(())
    }

    /// Returns once a kind was added that nobody was told of.
    pub(super) fn added(&self) -> Notified<'_> {
        self.added.notified()
    }

    /// The kind with this name.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Kind>> {
        self.kinds().get(name).cloned()
    }

    /// Every specification, by name.
    pub(super) fn specs(&self) -> Vec<Arc<KindSpec>> {
        let kinds = self.kinds();
        kinds.values().map(|kind| Arc::clone(&kind.spec)).collect()
    }

    /// Every name, those nearest to `wanted` first.
    pub(super) fn names_near(&self, wanted: &str) -> Vec<String> {
        let mut names: Vec<String> = self.kinds().keys().map(ToString::to_string).collect();
        names.sort_by_cached_key(|name| strsim::damerau_levenshtein(name, wanted));
        names
    }

    /// Every kind, and whether its executor can run, as is known within `time`: an executor that takes longer to say is as
    /// it was when it last said, if it did.
    pub(super) async fn statuses(&self, time: Duration) -> Vec<KindStatus> {
        let kinds: Vec<_> = self.kinds().values().cloned().collect();
        let asked = kinds.iter().map(async |kind| {
            let answer = tokio::time::timeout(time, kind.availability()).await;
            KindStatus {
                spec: KindSpec::clone(&kind.spec),
                availability: answer.unwrap_or_else(|_| kind.last_known()),
            }
        });
        futures_util::future::join_all(asked).await
    }

    /// Whether any kind has an executor.
    pub(super) fn runs_any(&self) -> bool {
        self.kinds().values().any(|kind| kind.runner.is_some())
    }

    /// Questions to every executor, whether it can run now.
    pub(super) fn looks(&self) -> Vec<impl Future<Output = (Arc<str>, bool)> + use<>> {
        let kinds = self.kinds();
        let looks = kinds.iter().filter(|(_, kind)| kind.runner.is_some());
        looks
            .map(|(name, kind)| (Arc::clone(name), Arc::clone(kind)))
            .map(async |(name, kind)| {
                let answer = kind.availability().await;
                (name, answer == Some(Availability::Available))
            })
            .collect()
    }

    fn kinds(&self) -> RwLockReadGuard<'_, BTreeMap<Arc<str>, Arc<Kind>>> {
        self.kinds.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind {
    /// What runs it here.
    pub(super) fn executor(&self) -> Option<&Arc<dyn Executor>> {
        self.runner.as_ref().map(|runner| &runner.executor)
    }

    /// How long an attempt may take to end, if its executor says.
    pub(super) fn time_to_end(&self) -> Option<Duration> {
        self.runner.as_ref()?.executor.time_to_end()
    }

    /// Its slots, if its executor runs only so many at once.
    pub(super) fn slots(&self) -> Option<Arc<KindSlots>> {
        self.runner.as_ref()?.slots.clone()
    }

    /// Whether its payload is checked.
    pub(super) const fn has_schema(&self) -> bool {
        self.validator.is_some()
    }

    /// Refuses a payload that does not fit the schema. The error names the first place that does not.
    pub(super) fn check_payload(&self, payload: &Json) -> Result<(), InvalidInput> {
        let Some(validator) = &self.validator else {
            return Ok(());
        };
        let value = payload
            .parse::<serde_json::Value>()
            .map_err(|error| InvalidInput::new("payload", format!("is not JSON: {error}")))?;
        validator.validate(&value).map_err(|error| {
            let place = error.instance_path().as_str().replace('/', ".");
            let mut problem = error.to_string();
            if problem.len() > REPEATED_BYTES {
                problem = error.masked().to_string();
            }
            let problem = format!("does not fit the kind `{}`: {problem}", self.spec.name);
            InvalidInput::new(format!("payload{place}"), problem)
        })
    }

    /// What its executor said last, however long ago; `None` without one.
    fn last_known(&self) -> Option<Availability> {
        let checked = self.runner.as_ref()?.checked();
        let answer = checked.as_ref().map(|(_, answer)| answer.clone());
        Some(answer.unwrap_or_else(not_asked_yet))
    }

    /// Whether its executor can run; `None` without one. An answer is believed for a few seconds.
    pub(super) async fn availability(&self) -> Option<Availability> {
        let runner = self.runner.as_ref()?;
        if let Some(known) = runner.known() {
            return Some(known);
        }
        // Those who ask at the same time wait for one answer.
        let _turn = runner.turn.acquire().await;
        if let Some(known) = runner.known() {
            return Some(known);
        }
        // A check that panics is as good as one that never answers.
        let check = AssertUnwindSafe(async { runner.executor.check().await }).catch_unwind();
        let answer = match tokio::time::timeout(CHECK_TIMEOUT, check).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => unanswered(),
        };
        *runner.checked() = Some((Instant::now(), answer.clone()));
        Some(answer)
    }
}

impl Runner {
    fn known(&self) -> Option<Availability> {
        let checked = self.checked();
        let (at, answer) = checked.as_ref()?;
        (at.elapsed() < CHECK_FRESH).then(|| answer.clone())
    }

    fn checked(&self) -> MutexGuard<'_, Option<(Instant, Availability)>> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_asked_yet() -> Availability {
    Availability::Unavailable {
        reason: "its executor has not said yet whether it can run".into(),
        remedy: "ask again in a few seconds".into(),
    }
}

fn unanswered() -> Availability {
    Availability::Unavailable {
        reason: format!(
            "its executor did not say within {} s whether it can run",
            CHECK_TIMEOUT.as_secs()
        ),
        remedy: "try again, or look at what the executor depends on".into(),
    }
}
