use super::Identity;
use super::tag::{self, TAG_VARIABLE};
use crate::procfs::Stat;
use std::collections::HashSet;
use std::fs;

/// The processes of the machine at one moment, as far as this user may look.
#[derive(Debug)]
pub(super) struct Snapshot {
    seen: Vec<Seen>,
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

impl Snapshot {
    /// Those that started no earlier than `since` and are alive.
    pub(super) fn take(since: u64) -> Self {
        let own = std::process::id();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let seen = pids
            .filter(|pid| *pid != own)
            .filter_map(|pid| Seen::look(pid, since));
        Self {
            seen: seen.collect(),
        }
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

impl Seen {
    fn look(pid: u32, since: u64) -> Option<Self> {
        let stat = Stat::of(pid)?;
        if stat.start_time < since || stat.is_dead || stat.is_kernel {
            return None;
        }
        Some(Self {
            identity: Identity {
                pid,
                start_time: stat.start_time,
            },
            parent: stat.parent,
            group: stat.group,
            tag: Tag::of(pid),
        })
    }
}

impl Tag {
    fn of(pid: u32) -> Self {
        // What may not be read belongs to another user, or to a program that raised its rights.
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else {
            return Self::None;
        };
        if environment.is_empty() {
            return Self::Unclear;
        }
        let mut variables = environment.split(|byte| *byte == 0);
        let value = variables.find_map(|variable| {
            let value = variable.strip_prefix(TAG_VARIABLE.as_bytes())?;
            value.strip_prefix(b"=")
        });
        value.map_or(Self::None, |value| Self::Value(value.to_vec()))
    }

    fn is(&self, is_wanted: impl Fn(&[u8]) -> bool) -> bool {
        matches!(self, Self::Value(value) if is_wanted(value))
    }
}
