use super::Identity;
use crate::procfs::{self, Stat};
use std::ffi::{OsStr, OsString};
use std::fmt;

/// The variable that marks a child and all that come from it. Its value names every process that stands above it:
/// `<instance>/<number>.<label>`, the outermost first, with a `;` between them.
pub const TAG_VARIABLE: &str = "MCS_PROCESS";

/// Longest label in a tag.
const LABEL_BYTES: usize = 100;

/// One process that starts children, named so that a later one can tell whether it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instance {
    process: Identity,
    /// The inode of its pid namespace: pids mean nothing in another one.
    namespace: u64,
    random: u64,
}

impl Instance {
    pub(super) fn this() -> Self {
        let pid = std::process::id();
        let process = Identity::of(pid).unwrap_or(Identity { pid, start_time: 0 });
        Self {
            process,
            namespace: namespace().unwrap_or_default(),
            random: fastrand::u64(..),
        }
    }

    /// What marks the child of this `number`.
    pub(super) fn segment(&self, number: u64, label: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let label = label.chars().take(LABEL_BYTES);
        let label: String = label.map(|c| if plain(c) { c } else { '_' }).collect();
        format!("{self}/{number}.{label}")
    }

    /// The instance of a segment.
    pub(super) fn parse(segment: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(segment).ok()?;
        let mut parts = text.split_once('/')?.0.split('.');
        let instance = Self {
            process: Identity {
                pid: parts.next()?.parse().ok()?,
                start_time: parts.next()?.parse().ok()?,
            },
            namespace: parts.next()?.parse().ok()?,
            random: u64::from_str_radix(parts.next()?, 16).ok()?,
        };
        parts.next().is_none().then_some(instance)
    }

    /// Whether it is known to be gone: it ran in the pid namespace of this process, and its pid belongs to nobody or to
    /// a process that started at another time. The environment of a process never outlives the boot.
    pub(super) fn is_provably_dead(&self) -> bool {
        if self.namespace == 0 || namespace() != Some(self.namespace) {
            return false;
        }
        if !procfs::exists(self.process.pid) {
            return true;
        }
        // A process that exists but cannot be read may be the one.
        Stat::of(self.process.pid)
            .is_some_and(|stat| stat.is_dead || stat.start_time != self.process.start_time)
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { pid, start_time } = self.process;
        write!(
            f,
            "{pid}.{start_time}.{}.{:016x}",
            self.namespace, self.random
        )
    }
}

/// The value of the variable for a child: what this process carries itself, and the child's own segment.
pub(super) fn value(inherited: Option<&OsStr>, segment: &str) -> OsString {
    let mut value = OsString::new();
    if let Some(inherited) = inherited.filter(|inherited| !inherited.is_empty()) {
        value.push(inherited);
        value.push(";");
    }
    value.push(segment);
    value
}

/// The segments of a value.
pub(super) fn segments(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b';')
}

fn namespace() -> Option<u64> {
    let name = procfs::pid_namespace()?;
    name.strip_prefix("pid:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_names_its_instance() {
        let own = Instance::this();
        let segment = own.segment(7, "a task;/b.1");
        assert!(segment.ends_with("/7.a_task__b.1"), "{segment}");
        assert_eq!(Instance::parse(segment.as_bytes()), Some(own));
        for wrong in [
            "",
            "1.2.3.f",
            "1.2.3/x",
            "1.2.3.f.5/x",
            "a.2.3.f/x",
            "1.2.3.f;",
        ] {
            assert_eq!(Instance::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_nested_instance_keeps_the_outer_tags() {
        assert_eq!(value(None, "b"), "b");
        assert_eq!(value(Some(OsStr::new("")), "b"), "b");
        let nested = value(Some(OsStr::new("a")), "b");
        let found: Vec<_> = segments(nested.as_encoded_bytes()).collect();
        assert_eq!(found, [b"a", b"b"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_what_is_known_counts_as_dead() {
        let own = Instance::this();
        assert!(!own.is_provably_dead());
        let with = |pid, start_time| Instance {
            process: Identity { pid, start_time },
            ..own
        };
        let Identity { pid, start_time } = own.process;
        assert!(with(pid, start_time + 1).is_provably_dead());
        // The kernel gives no process this pid.
        let gone = with(i32::MAX.cast_unsigned(), start_time);
        assert!(gone.is_provably_dead());
        let elsewhere = |namespace| Instance { namespace, ..gone };
        assert!(!elsewhere(1).is_provably_dead() && !elsewhere(0).is_provably_dead());
    }
}
