use super::Identity;
use super::tag::{self, TAG_VARIABLE};
use crate::procfs::{Stat, is_short};
use std::collections::HashSet;
use std::{fs, io};

/// The processes of the machine at one moment, as far as this user may look.
#[derive(Debug)]
pub(super) struct Snapshot {
    seen: Vec<Seen>,
    adopted: Vec<Adopted>,
}

/// A process that has ended and waits for this one to take note of it, as its parent or in place of that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Adopted {
    pub(super) identity: Identity,
    pub(super) group: u32,
}

#[derive(Debug)]
struct Seen {
    identity: Identity,
    parent: u32,
    group: u32,
    tag: Tag,
}

#[derive(Debug)]
enum Tag {
    Value(Vec<u8>),
    None,
    /// There is no environment to be seen, as for a moment while a program is being replaced by another.
    Unclear,
}

/// What a snapshot has of somebody's tree.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) alive: Vec<Identity>,
    /// Some process could not be told yet: look again.
    pub(super) is_unclear: bool,
}

/// Most lists that are read until one has nobody new: a machine on which much is going on always has somebody.
const LISTS: usize = 5;

impl Snapshot {
    /// Those that started no earlier than `since` and are alive. It fails where not all of them could be looked at, such
    /// as for want of files: then nothing is known of who is not there.
    pub(super) fn take(since: u64) -> io::Result<Self> {
        let own = std::process::id();
        let mut snapshot = Self {
            seen: Vec::new(),
            adopted: Vec::new(),
        };
        let mut known = HashSet::from([own]);
        // The system lists many at once. Whoever began meanwhile shows in the next list, and is looked at without delay.
        for _ in 0..LISTS {
            let mut has_new = false;
            for entry in fs::read_dir("/proc")? {
                let name = entry?.file_name();
                let pid = name.to_str().and_then(|name| name.parse().ok());
                if let Some(pid) = pid.filter(|pid| known.insert(*pid)) {
                    has_new = true;
                    snapshot.look(pid, since)?;
                }
            }
            if !has_new {
                break;
            }
        }
        Ok(snapshot)
    }

    /// Those that have ended and nobody else takes note of.
    pub(super) fn adopted(&self) -> &[Adopted] {
        &self.adopted
    }

    fn look(&mut self, pid: u32, since: u64) -> io::Result<()> {
        let Some(stat) = Stat::look(pid)? else {
            return Ok(());
        };
        let identity = Identity {
            pid,
            start_time: stat.start_time,
        };
        if stat.start_time < since || stat.is_kernel {
            return Ok(());
        }
        if !stat.is_dead {
            self.seen.push(Seen {
                identity,
                parent: stat.parent,
                group: stat.group,
                tag: Tag::of(pid)?,
            });
        } else if stat.parent == std::process::id() {
            let group = stat.group;
            self.adopted.push(Adopted { identity, group });
        }
        Ok(())
    }

    /// The group that `leader` heads, its descendants, and all that carry `segment` with theirs; not the leader itself.
    pub(super) fn tree_of(&self, leader: Identity, segment: &str) -> Found {
        let carries = |value: &[u8]| tag::segments(value).any(|one| one == segment.as_bytes());
        self.find(Some(leader), |seen| {
            seen.group == leader.pid || seen.tag.is(carries)
        })
    }

    /// All that carry a tag of which `is_wanted` says so, with their descendants.
    pub(super) fn tagged(&self, is_wanted: impl Fn(&[u8]) -> bool) -> Found {
        self.find(None, |seen| seen.tag.is(&is_wanted))
    }

    /// The children of the children of `outer`, and all that come from them.
    pub(super) fn grandchildren_of(&self, outer: Identity) -> Vec<Identity> {
        let own = self.find(Some(outer), |_| false).alive.into_iter();
        let is_child = |one: &Identity| {
            let mut seen = self.seen.iter();
            seen.any(|seen| seen.identity == *one && seen.parent == outer.pid)
        };
        own.filter(|one| !is_child(one)).collect()
    }

    fn find(&self, leader: Option<Identity>, is_first: impl Fn(&Seen) -> bool) -> Found {
        let mut found: HashSet<u32> = leader.iter().map(|leader| leader.pid).collect();
        let first = self.seen.iter().filter(|seen| is_first(seen));
        found.extend(first.map(|seen| seen.identity.pid));
        // Children mostly have higher pids than their parents, so that few rounds are needed.
        loop {
            let before = found.len();
            for seen in &self.seen {
                if found.contains(&seen.parent) {
                    found.insert(seen.identity.pid);
                }
            }
            if found.len() == before {
                break;
            }
        }
        let own =
            |seen: &&Seen| found.contains(&seen.identity.pid) && Some(seen.identity) != leader;
        let alive = self.seen.iter().filter(own).map(|seen| seen.identity);
        Found {
            alive: alive.collect(),
            is_unclear: self
                .seen
                .iter()
                .any(|seen| matches!(seen.tag, Tag::Unclear)),
        }
    }
}

impl Tag {
    fn of(pid: u32) -> io::Result<Self> {
        let environment = match fs::read(format!("/proc/{pid}/environ")) {
            Ok(environment) if environment.is_empty() => return Ok(Self::Unclear),
            Ok(environment) => environment,
            Err(error) if is_short(&error) => return Err(error),
            // What may not be read belongs to another user, or to a program that raised its rights or hides its memory.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(Self::None),
            Err(_) => return Ok(Self::Unclear),
        };
        let mut variables = environment.split(|byte| *byte == 0);
        let value = variables.find_map(|variable| {
            let value = variable.strip_prefix(TAG_VARIABLE.as_bytes())?;
            value.strip_prefix(b"=")
        });
        Ok(value.map_or(Self::None, |value| Self::Value(value.to_vec())))
    }

    fn is(&self, is_wanted: impl Fn(&[u8]) -> bool) -> bool {
        matches!(self, Self::Value(value) if is_wanted(value))
    }
}
