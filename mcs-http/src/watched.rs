use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// What is made of files, and made again when they change. What comes of files that cannot be read is refused, and what
/// there was goes on.
pub(crate) struct Watched<T> {
    files: Arc<[PathBuf]>,
    load: Load<T>,
    /// For how long nobody looks whether the files changed.
    rest: Duration,
    state: Mutex<State<T>>,
    /// Only one looks at a time, and the others wait for what it finds.
    turn: Semaphore,
}

type Load<T> = Arc<dyn Fn() -> Result<T, String> + Send + Sync>;

struct State<T> {
    value: Arc<T>,
    stamps: Vec<Stamp>,
    looked: Instant,
    /// What is wrong with the files as they are, and when it was told.
    wrong: Option<(String, Instant)>,
}

/// How often it is told that files are wrong, for as long as they are.
const TOLD_AGAIN: Duration = Duration::from_mins(1);

/// What tells one state of a file from another; `None` where there is no file.
type Stamp = Option<(SystemTime, u64)>;

impl<T: Send + Sync + 'static> Watched<T> {
    /// What `load` makes of `files`.
    ///
    /// This reads them and blocks for as long as that takes.
    pub(crate) fn new<E: fmt::Display>(
        files: Vec<PathBuf>,
        rest: Duration,
        load: impl Fn() -> Result<T, E> + Send + Sync + 'static,
    ) -> Result<Self, E> {
        // A file that changes while it is read is read again.
        let stamps = files.iter().map(stamp).collect();
        let value = load()?;
        let watched = Self::beginning_with(value, files, rest, load);
        watched.lock().stamps = stamps;
        Ok(watched)
    }

    /// `value`, until something can be made of `files`.
    pub(crate) fn beginning_with<E: fmt::Display>(
        value: T,
        files: Vec<PathBuf>,
        rest: Duration,
        load: impl Fn() -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        let state = State {
            value: Arc::new(value),
            stamps: Vec::new(),
            looked: Instant::now(),
            wrong: None,
        };
        Self {
            files: files.into(),
            load: Arc::new(move || load().map_err(|error| error.to_string())),
            rest,
            state: Mutex::new(state),
            turn: Semaphore::new(1),
        }
    }

    /// The value of the files as they are now, or were a moment ago.
    pub(crate) async fn current(&self) -> Arc<T> {
        if let Some(value) = self.fresh() {
            return value;
        }
        // Nothing closes it, and without the turn one looks for itself.
        let _turn = self.turn.acquire().await.ok();
        if let Some(value) = self.fresh() {
            return value;
        }
        let (files, load) = (self.files.clone(), self.load.clone());
        let known = self.lock().stamps.clone();
        let looking = tokio::task::spawn_blocking(move || {
            let stamps: Vec<_> = files.iter().map(stamp).collect();
            (stamps != known).then(|| (stamps, load()))
        });
        let found = looking.await;
        let mut state = self.lock();
        state.looked = Instant::now();
        match found {
            Ok(Some((stamps, made))) => {
                state.stamps = stamps;
                match made {
                    Ok(value) => {
                        state.value = Arc::new(value);
                        state.wrong = None;
                    }
                    Err(problem) => state.tell(problem),
                }
            }
            Ok(None) => state.tell_again(),
            Err(error) => tracing::error!(%error, "nobody looked at a file"),
        }
        state.value.clone()
    }

    fn fresh(&self) -> Option<Arc<T>> {
        let state = self.lock();
        (state.looked.elapsed() < self.rest).then(|| state.value.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn tell(&mut self, problem: String) {
        tracing::error!("{problem}; what was read before goes on");
        self.wrong = Some((problem, Instant::now()));
    }

    /// Says once more what is wrong, if it still is and was not said of late: one line among many is overlooked.
    fn tell_again(&mut self) {
        let due = |(_, told): &mut (String, Instant)| told.elapsed() >= TOLD_AGAIN;
        if let Some((problem, _)) = self.wrong.take_if(due) {
            self.tell(problem);
        }
    }
}

fn stamp(file: &PathBuf) -> Stamp {
    let found = std::fs::metadata(file).ok()?;
    Some((found.modified().ok()?, found.len()))
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const REST: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_is_made_again_when_the_file_changes_and_not_of_a_bad_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("number");
        let path = file.clone();
        let load = move || {
            let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
            text.parse::<u32>().map_err(|error| error.to_string())
        };
        assert!(Watched::new(vec![file.clone()], REST, load.clone()).is_err());
        fs::write(&file, "1").unwrap();
        let watched = Watched::new(vec![file.clone()], REST, load).unwrap();
        fs::write(&file, "22").unwrap();
        assert_eq!(*watched.current().await, 1, "nobody looks so soon");
        for (text, value) in [("22", 22), ("none", 22), ("333", 333)] {
            fs::write(&file, text).unwrap();
            tokio::time::advance(REST).await;
            assert_eq!(*watched.current().await, value, "{text}");
        }
        fs::remove_file(&file).unwrap();
        tokio::time::advance(REST).await;
        assert_eq!(*watched.current().await, 333);
    }
}
