//! What `/proc` says of processes. Elsewhere than on Linux it says nothing, and nobody is called dead by guess.

use std::{fs, io};

/// What `/proc/<pid>/stat` says of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "process"),
    allow(dead_code, reason = "only those who end processes ask for all of it")
)]
pub(crate) struct Stat {
    pub(crate) parent: u32,
    pub(crate) group: u32,
    /// In ticks of the clock since the boot. A pid and its start time name a process for sure.
    pub(crate) start_time: u64,
    /// It has ended and is only not yet taken note of by its parent.
    pub(crate) is_dead: bool,
    /// A thread of the kernel, which has no program.
    pub(crate) is_kernel: bool,
}

impl Stat {
    /// What is known of the process `pid`, if it exists and can be read.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        Self::look(pid).ok().flatten()
    }

    /// What is known of the process `pid`, if it exists and can be read; an error where this process could not look.
    pub(crate) fn look(pid: u32) -> io::Result<Option<Self>> {
        let stat = match fs::read(format!("/proc/{pid}/stat")) {
            Ok(stat) => Self::parse(&stat),
            Err(error) if is_short(&error) => return Err(error),
            Err(_) => None,
        };
        let Some(mut stat) = stat else {
            return Ok(None);
        };
        if stat.is_dead {
            // The first thread of a living process may have ended too; a zombie has no other.
            let threads = match fs::read_dir(format!("/proc/{pid}/task")) {
                Ok(threads) => threads.count(),
                Err(error) if is_short(&error) => return Err(error),
                Err(_) => 0,
            };
            stat.is_dead = threads <= 1;
        }
        Ok(Some(stat))
    }

    /// The name in parentheses may hold anything, spaces and parentheses and bytes that are no text too, so the fields
    /// are counted from its end.
    fn parse(stat: &[u8]) -> Option<Self> {
        const STATE: usize = 0;
        const PARENT: usize = 1;
        const GROUP: usize = 2;
        const FLAGS: usize = 6;
        const START_TIME: usize = 19;
        const KERNEL_THREAD: u64 = 0x0020_0000;
        let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(&stat[name_ends + 1..]).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        // The kernel shows 0 for a parent or a group that this pid namespace does not know.
        let pid = |index: usize| Some(u32::try_from(number(index)?).unwrap_or_default());
        Some(Self {
            parent: pid(PARENT)?,
            group: pid(GROUP)?,
            start_time: number(START_TIME)?,
            is_dead: matches!(*fields.get(STATE)?, "Z" | "X" | "x"),
            is_kernel: number(FLAGS)? & KERNEL_THREAD != 0,
        })
    }
}

/// Whether something was not looked at because this process, or the machine, has no room for another open file or for
/// more memory. It says nothing of what was to be looked at.
#[cfg(unix)]
pub(crate) fn is_short(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let codes = [Errno::MFILE, Errno::NFILE, Errno::NOMEM].map(Errno::raw_os_error);
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}

/// Nothing is looked at here.
#[cfg(not(unix))]
pub(crate) fn is_short(_error: &io::Error) -> bool {
    false
}

/// Whether a process has this pid, zombies included.
#[cfg(unix)]
pub(crate) fn exists(pid: u32) -> bool {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    // EPERM means that it exists and belongs to somebody else; only ESRCH means that it does not.
    pid.is_some_and(|pid| {
        !matches!(
            rustix::process::test_kill_process(pid),
            Err(rustix::io::Errno::SRCH)
        )
    })
}

/// Whether a process has this pid, which cannot be told here.
#[cfg(not(unix))]
pub(crate) fn exists(_pid: u32) -> bool {
    true
}

/// What names this boot of the machine.
pub(crate) fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// What names the pid namespace of this process, such as `pid:[4026531836]`.
pub(crate) fn pid_namespace() -> Option<String> {
    let name = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_parentheses_and_binary_is_skipped() {
        let stat = b"77 (a b) S (c\xff) Z 1 70 77 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 123456 0 0";
        let expected = Stat {
            parent: 1,
            group: 70,
            start_time: 123_456,
            is_dead: true,
            is_kernel: false,
        };
        assert_eq!(Stat::parse(stat), Some(expected));
        assert_eq!(Stat::parse(b"77 (cut"), None);
        assert_eq!(Stat::parse(b"77 (cut) S 1 2"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_alive_and_the_child_of_another() {
        let own = Stat::of(std::process::id()).unwrap();
        assert!(!own.is_dead && !own.is_kernel);
        assert_eq!(own.parent, std::os::unix::process::parent_id());
        assert!(exists(std::process::id()));
        // The kernel gives no process this pid.
        assert!(!exists(i32::MAX.cast_unsigned()));
    }
}
