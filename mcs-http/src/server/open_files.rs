use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;

/// More than any service needs, where the system knows no bound.
const MOST: u64 = 1 << 20;
/// What is left for files, children and outgoing calls when connections have the rest.
const RESERVED: u64 = 256;

/// Raises the number of files that this process may have open as far as it may, and returns it.
///
/// Shells set it low for the sake of old programs; each connection is a file.
pub(crate) fn raise() -> io::Result<u64> {
    let now = getrlimit(Resource::Nofile);
    let most = now.maximum.unwrap_or(MOST).min(MOST);
    let current = now.current.unwrap_or(MOST);
    if current >= most {
        return Ok(current);
    }
    let raised = Rlimit {
        current: Some(most),
        maximum: now.maximum,
    };
    setrlimit(Resource::Nofile, raised)?;
    Ok(most)
}

/// How many of `connections` a process can have that may have so many files open.
pub(crate) fn connections_within(open_files: u64, connections: usize) -> usize {
    let left = open_files.saturating_sub(RESERVED).max(open_files / 2);
    connections
        .min(usize::try_from(left).unwrap_or(usize::MAX))
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_raised_as_far_as_it_goes() {
        let raised = raise().unwrap();
        assert_eq!(raise().unwrap(), raised);
        let now = getrlimit(Resource::Nofile);
        assert_eq!(now.current.unwrap_or(MOST), raised);
    }

    #[test]
    fn connections_leave_room_for_files() {
        assert_eq!(connections_within(1_048_576, 10_000), 10_000);
        assert_eq!(connections_within(1024, 10_000), 768);
        assert_eq!(connections_within(300, 10_000), 150);
        assert_eq!(connections_within(0, 10_000), 1);
    }
}
