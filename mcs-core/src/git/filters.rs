use super::run::Output;
use std::collections::BTreeSet;
use std::ffi::OsString;

/// Which of the programs are started that change files on their way into a repository and out of it.
///
/// A run may write the settings of the repository that it works in, also one in a sandbox: whatever they name would be
/// started outside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filters {
    /// None at all.
    None,
    /// Those that the settings of the user and of the machine name, and the repository's do not.
    OfUser,
}

/// What git is told of each in place of what is set.
const WITHOUT: [(&str, &str); 4] = [
    ("clean", ""),
    ("smudge", ""),
    ("process", ""),
    ("required", "false"),
];

impl Filters {
    /// The command that lists where which of them are set.
    pub(super) const LIST: [&str; 6] = [
        "config",
        "--null",
        "--show-scope",
        "--name-only",
        "--get-regexp",
        r"^filter\.",
    ];

    /// The settings that take away all others than these, of those that were `listed`.
    pub(super) fn without(self, listed: &Output) -> Vec<(OsString, OsString)> {
        let mut parts = listed.parts();
        let mut names = BTreeSet::new();
        while let (Some(scope), Some(key)) = (parts.next(), parts.next()) {
            let is_of_user = matches!(scope, b"global" | b"system");
            let end = key.iter().rposition(|byte| *byte == b'.');
            if let Some(end) = end.filter(|_| self == Self::None || !is_of_user) {
                names.insert(&key[..end]);
            }
        }
        let settings = names.into_iter().flat_map(|name| {
            WITHOUT.map(|(key, value)| {
                let mut whole = super::snapshot::path(name).into_os_string();
                whole.push(format!(".{key}"));
                (whole, value.into())
            })
        });
        settings.collect()
    }
}
