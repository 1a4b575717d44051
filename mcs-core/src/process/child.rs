use super::leader::Leader;
use super::spawner::{Pipes, Spawner, Started};
use super::stderr::Stderr;
use super::sweep::{Ended, Sweep, Swept, Target};
use super::sweeper::Sweeper;
use super::watch::Watch;
use super::{Exit, Identity, Ladder, Lines, Signal, SpawnError, Spec};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;

/// A process and all that comes from it. Dropping it kills them, which the spawner sees through; [`Child::end`] waits for
/// that.
#[derive(Debug)]
pub struct Child {
    identity: Identity,
    is_sandboxed: bool,
    line_bytes: usize,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Stderr,
    watch: Watch,
    state: State,
    exit: Option<Exit>,
    /// The thread that started it lives as long as it does.
    _spawner: Spawner,
}

#[derive(Debug)]
enum State {
    Running(Tree),
    Ending(oneshot::Receiver<Ended>),
    Ended(Swept),
}

impl Child {
    pub(super) fn new(started: Started, spec: Spec, spawner: Spawner) -> Result<Self, SpawnError> {
        let Started { tree, pipes } = started;
        let Pipes {
            stdin,
            stdout,
            stderr,
        } = pipes;
        let failed = |source| SpawnError::Program {
            path: spec.program.clone(),
            source,
        };
        let missing = || failed(std::io::Error::other("it has no pipe"));
        let stderr = stderr.ok_or_else(missing)?;
        let stderr = tokio::process::ChildStderr::from_std(stderr).map_err(failed)?;
        let stdin = stdin
            .map(ChildStdin::from_std)
            .transpose()
            .map_err(failed)?;
        let stdout = stdout
            .map(ChildStdout::from_std)
            .transpose()
            .map_err(failed)?;
        Ok(Self {
            identity: tree.identity(),
            is_sandboxed: spec.sandbox.is_some(),
            line_bytes: spec.line_bytes,
            stdin,
            stdout,
            watch: Watch::new(),
            stderr: Stderr::read(stderr, spec.stderr),
            state: State::Running(tree),
            exit: None,
            _spawner: spawner,
        })
    }

    /// What names it for sure.
    pub const fn identity(&self) -> Identity {
        self.identity
    }

    /// Its input. It ends when that is dropped.
    pub const fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// Its output, line by line.
    pub fn take_lines(&mut self) -> Option<Lines> {
        let stdout = self.stdout.take()?;
        Some(Lines::new(stdout, self.line_bytes))
    }

    /// Its output as it comes, in place of [`Child::take_lines`].
    pub const fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// The end of what it wrote to its standard error so far; all of it once [`Child::end`] has returned. Bytes that are
    /// no text are replaced.
    pub fn stderr_tail(&self) -> String {
        self.stderr.tail()
    }

    /// How many bytes it wrote to its standard error so far.
    pub fn stderr_bytes(&self) -> u64 {
        self.stderr.total()
    }

    /// Returns once it has ended; processes that it started may live on, and may hold its output open. It may be dropped
    /// and called again, and answers the same from then on.
    pub async fn wait(&mut self) -> Exit {
        loop {
            if let Some(exit) = self.exit {
                return exit;
            }
            match &mut self.state {
                State::Running(tree) => {
                    self.exit = tree.exit();
                    if self.exit.is_none() {
                        self.watch.changed().await;
                    }
                }
                State::Ending(_) | State::Ended(_) => {
                    self.end().await;
                }
            }
        }
    }

    /// Tells every process of its group, or of its sandbox. Once it is being ended this does nothing.
    pub fn signal(&mut self, signal: Signal) {
        let State::Running(tree) = &mut self.state else {
            return;
        };
        // Who stands still hears of it once it goes on.
        let wakes = matches!(signal, Signal::Interrupt | Signal::Terminate);
        let signals = std::iter::once(signal).chain(wakes.then_some(Signal::Continue));
        // The outer process of a sandbox would end with the signal and take the inner ones with it unheard.
        if self.is_sandboxed && signal != Signal::Kill {
            super::inside::tell(self.identity, signals.collect());
        } else {
            signals.for_each(|signal| tree.signal(signal));
        }
    }

    /// Brings it to its end, step by step, and then whatever is left of its tree.
    pub async fn stop(&mut self, ladder: &Ladder) -> Exit {
        for rung in &ladder.0 {
            if let Some(signal) = rung.signal {
                self.signal(signal);
            }
            if timeout(rung.wait, self.wait()).await.is_ok() {
                break;
            }
        }
        self.end().await;
        self.wait().await
    }

    /// Kills what is left of it: itself, its group, its descendants and all that carry its tag. Returns once none of them
    /// is alive, or after some seconds with those that do not end. It may be dropped and called again.
    pub async fn end(&mut self) -> Swept {
        if matches!(self.state, State::Running(_)) {
            let ended = State::Ended(Swept::default());
            if let State::Running(tree) = std::mem::replace(&mut self.state, ended) {
                self.state = State::Ending(tree.end());
            }
        }
        if let State::Ending(ended) = &mut self.state {
            let ended = ended.await.unwrap_or_else(|_| Ended::unknown());
            // An answer comes once: it is kept before anything else is waited for.
            self.exit.get_or_insert(ended.exit);
            self.state = State::Ended(ended.swept);
        }
        self.stderr.finish().await;
        match &self.state {
            State::Ended(swept) => swept.clone(),
            State::Running(_) | State::Ending(_) => Swept::default(),
        }
    }
}

/// A tree that is not yet swept. However it is let go of, it ends.
#[derive(Debug)]
pub(super) struct Tree {
    whole: Option<(Leader, String, OwnedSemaphorePermit)>,
    identity: Identity,
    sweeper: Sweeper,
}

impl Tree {
    pub(super) const fn new(
        leader: Leader,
        segment: String,
        room: OwnedSemaphorePermit,
        sweeper: Sweeper,
    ) -> Self {
        Self {
            identity: leader.identity(),
            whole: Some((leader, segment, room)),
            sweeper,
        }
    }

    const fn identity(&self) -> Identity {
        self.identity
    }

    fn exit(&mut self) -> Option<Exit> {
        self.whole.as_mut().and_then(|(leader, ..)| leader.exit())
    }

    fn signal(&mut self, signal: Signal) {
        if let Some((leader, ..)) = &mut self.whole {
            leader.signal(signal);
        }
    }

    fn end(mut self) -> oneshot::Receiver<Ended> {
        self.hand_over().unwrap_or_else(|| oneshot::channel().1)
    }

    fn hand_over(&mut self) -> Option<oneshot::Receiver<Ended>> {
        let (leader, segment, room) = self.whole.take()?;
        let leader = Some(leader);
        let (sweep, ended) = Sweep::new(Target::Tree { leader, segment }, room);
        self.sweeper.submit(sweep);
        Some(ended)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.hand_over();
    }
}
