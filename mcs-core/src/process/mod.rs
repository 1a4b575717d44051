//! Children: how they are started, read, watched and ended, so that nothing of them outlives its purpose.
//!
//! A [`Spawner`] starts a [`Child`] in a process group of its own, with its input, output and errors piped. A child ends
//! by itself, by a [`Ladder`] of signals, or by being dropped; however it ends, what is left of its tree is swept away:
//! its group, its descendants, and every process that carries the child's tag in its environment, wherever it moved.
//! The tag names this process too, so that a later one can end what a killed one left ([`Spawner::end_orphans`]).
//!
//! What no sweep finds is a process that left the group, lost its parent, and cleared, overwrote or hides its environment,
//! as `ssh-agent` and others do that let nobody see their memory. The [`Sandbox`] leaves none of those either, since a pid
//! namespace ends with its first process.
//!
//! # Systems
//! All of it works on Linux. Elsewhere there is no `/proc`: on other Unix systems a sweep ends the process group, on
//! Windows the child alone; orphans are not looked for, and there is no sandbox.

mod child;
mod environment;
mod error;
mod exit;
mod identity;
mod inside;
mod ladder;
mod leader;
mod limits;
mod lines;
mod private;
mod program;
mod ring;
mod sandbox;
mod signal;
#[cfg(target_os = "linux")]
mod snapshot;
#[cfg(not(target_os = "linux"))]
#[path = "snapshot_elsewhere.rs"]
mod snapshot;
mod spawner;
mod spec;
mod stderr;
mod sweep;
mod sweeper;
mod tag;
mod watch;

pub use child::Child;
pub(crate) use environment::is_allowed;
pub use environment::{DEFAULT_ENVIRONMENT, allowed_environment};
pub use error::{ProgramError, SpawnError};
pub use exit::Exit;
pub use identity::Identity;
pub use ladder::{Ladder, Rung};
pub use limits::Limits;
pub use lines::{Line, Lines};
pub(crate) use private::create_private;
pub use program::find_program;
pub(crate) use ring::Ring;
pub use sandbox::{Sandbox, SandboxError};
pub use signal::Signal;
pub use spawner::Spawner;
pub use spec::{LINE_BYTES, Spec, StderrFile};
pub use sweep::Swept;
pub use tag::TAG_VARIABLE;
pub use tokio::process::{ChildStdin, ChildStdout};
