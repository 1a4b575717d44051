use super::child::{Child, Tree};
use super::leader::Leader;
use super::sweep::{Sweep, Swept, Target};
use super::sweeper::Sweeper;
use super::tag::{self, Instance, TAG_VARIABLE};
use super::{SpawnError, Spec};
use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

/// Starts children, and ends what is left of them. Cheap to clone.
///
/// All children are started by one thread, which lives as long as any clone and any child: a sandbox ends when the thread
/// that started it does. Another thread sweeps. Both end by themselves.
#[derive(Debug, Clone)]
pub struct Spawner {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    orders: SyncSender<Box<Order>>,
    sweeper: Sweeper,
    /// Room for children and sweeps. Every child keeps some for the sweep that ends it.
    room: Arc<Semaphore>,
    instance: Instance,
    inherited: Option<OsString>,
    number: AtomicU64,
    orphans_ended: CancellationToken,
}

/// A child to be started.
#[derive(Debug)]
struct Order {
    spec: Spec,
    tag: OsString,
    segment: String,
    room: OwnedSemaphorePermit,
    sweeper: Sweeper,
    reply: oneshot::Sender<Result<(Started, Spec), SpawnError>>,
}

/// A child that runs, with its pipes.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) tree: Tree,
    pub(super) pipes: Pipes,
}

#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) stdin: Option<std::process::ChildStdin>,
    pub(super) stdout: Option<std::process::ChildStdout>,
    pub(super) stderr: Option<std::process::ChildStderr>,
}

/// Most children and sweeps at a time; later ones wait.
const ROOM: usize = 4096;

impl Spawner {
    /// Starts the threads, and ends what instances of this program that were killed left behind. No child is started
    /// before that is done, so that an interrupted work never runs beside its successor.
    pub fn start() -> io::Result<Self> {
        let (orders, receiver) = sync_channel(ROOM);
        thread::Builder::new()
            .name("mcs-spawn".into())
            .spawn(move || start_children(&receiver))?;
        let orphans_ended = CancellationToken::new();
        let shared = Shared {
            orders,
            sweeper: Sweeper::start(ROOM)?,
            room: Arc::new(Semaphore::new(ROOM)),
            instance: Instance::this(),
            inherited: std::env::var_os(TAG_VARIABLE),
            number: AtomicU64::new(0),
            orphans_ended: orphans_ended.clone(),
        };
        let spawner = Self {
            shared: Arc::new(shared),
        };
        let first = orphans_ended.drop_guard();
        if let Ok(room) = spawner.shared.room.clone().try_acquire_owned() {
            let (sweep, _) = Sweep::new(spawner.orphans(), room);
            spawner.shared.sweeper.submit(sweep.before(first));
        }
        Ok(spawner)
    }

    /// Starts a child. It must be called within a runtime that has its I/O and its clock switched on.
    pub async fn spawn(&self, spec: Spec) -> Result<Child, SpawnError> {
        self.shared.orphans_ended.cancelled().await;
        let room = self.room().await?;
        let number = self.shared.number.fetch_add(1, Ordering::Relaxed);
        let segment = self.shared.instance.segment(number, &spec.label);
        let (reply, started) = oneshot::channel();
        let order = Order {
            spec,
            tag: tag::value(self.shared.inherited.as_deref(), &segment),
            segment,
            room,
            sweeper: self.shared.sweeper.clone(),
            reply,
        };
        self.shared
            .orders
            .try_send(Box::new(order))
            .map_err(|_| SpawnError::Ended)?;
        let (started, spec) = started.await.map_err(|_| SpawnError::Ended)??;
        Child::new(started, spec, self.clone())
    }

    /// Ends what instances that are provably gone left behind: every process that carries the tag of one, wherever it
    /// moved. A process is gone if it ran in this pid namespace and its pid belongs to nobody or to a later process.
    /// Whoever takes over the work of a process that died beside it calls this first.
    pub async fn end_orphans(&self) -> Swept {
        let Ok(room) = self.room().await else {
            return Swept::default();
        };
        let (sweep, ended) = Sweep::new(self.orphans(), room);
        self.shared.sweeper.submit(sweep);
        ended.await.map(|ended| ended.swept).unwrap_or_default()
    }

    /// Returns once no child is left of all that were started, and none is being swept. Those that are started meanwhile
    /// wait for it.
    pub async fn idle(&self) {
        if !self.shared.orphans_ended.is_cancelled() {
            // No child was started yet, and what others left is nobody's work here.
            return;
        }
        let all = u32::try_from(ROOM).unwrap_or(u32::MAX);
        let _ = self.shared.room.acquire_many(all).await;
    }

    async fn room(&self) -> Result<OwnedSemaphorePermit, SpawnError> {
        let room = self.shared.room.clone().acquire_owned().await;
        room.map_err(|_| SpawnError::Ended)
    }

    fn orphans(&self) -> Target {
        Target::Orphans {
            inherited: self.shared.inherited.clone(),
        }
    }
}

fn start_children(orders: &Receiver<Box<Order>>) {
    for order in orders {
        let Order {
            spec,
            tag,
            segment,
            room,
            sweeper,
            reply,
        } = *order;
        let started = start(&spec, &tag).map(|mut child| {
            let pipes = Pipes {
                stdin: child.stdin.take(),
                stdout: child.stdout.take(),
                stderr: child.stderr.take(),
            };
            let tree = Tree::new(Leader::new(child), segment, room, sweeper);
            (Started { tree, pipes }, spec)
        });
        // Where nobody waits any more the child is dropped, which ends it.
        let _ = reply.send(started);
    }
}

/// It looks for programs and directories, which blocks: nobody else waits here.
fn start(spec: &Spec, tag: &OsStr) -> Result<std::process::Child, SpawnError> {
    let (program, arguments) = (spec.program.clone(), spec.arguments.clone());
    let (program, arguments) = match &spec.sandbox {
        Some(sandbox) => sandbox.wrap(&spec.directory, program, arguments)?,
        None => (program, arguments),
    };
    let (program, arguments) = spec.limits.wrap(program, arguments);
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(spec.environment.iter().map(|(name, value)| (name, value)))
        .env(TAG_VARIABLE, tag)
        .current_dir(&spec.directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map_err(|source| why(spec, source))
}

/// The system says the same of a directory and of a program that are not there.
fn why(spec: &Spec, source: io::Error) -> SpawnError {
    match std::fs::read_dir(&spec.directory) {
        Err(source) => SpawnError::Directory {
            path: spec.directory.clone(),
            source,
        },
        Ok(_) => SpawnError::Program {
            path: spec.program.clone(),
            source,
        },
    }
}
