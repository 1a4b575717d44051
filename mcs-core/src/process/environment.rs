use super::tag::TAG_VARIABLE;
use std::ffi::{OsStr, OsString};

/// What children are given of this process's environment unless somebody says otherwise. `*` stands for any end.
pub const DEFAULT_ENVIRONMENT: [&str; 10] = [
    "HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG", "LC_*", "TZ", "TMPDIR",
];

/// The variables of this process whose names are in `allow`, where a `*` at the end stands for any end.
pub fn allowed_environment(allow: &[String]) -> Vec<(OsString, OsString)> {
    let variables = std::env::vars_os().filter(|(name, _)| is_allowed(name, allow));
    variables.collect()
}

/// Whether `allow` lists the variable `name`.
pub(crate) fn is_allowed(name: &OsStr, allow: &[String]) -> bool {
    // The tag is the spawner's own, and a name that is no text cannot have been listed.
    let name = name.to_str().filter(|name| *name != TAG_VARIABLE);
    name.is_some_and(|name| {
        allow.iter().any(|allowed| match allowed.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == allowed,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_names_are_handed_on() {
        let allow: Vec<String> = ["PATH", "LC_*"].map(str::to_owned).to_vec();
        let allowed = |name: &str| is_allowed(OsStr::new(name), &allow);
        assert!(allowed("PATH") && allowed("LC_ALL"));
        assert!(!allowed("PATHS") && !allowed("LANG") && !allowed("AWS_SECRET_ACCESS_KEY"));
        let all = ["*".to_owned()];
        assert!(is_allowed(OsStr::new("ANY"), &all));
        assert!(!is_allowed(OsStr::new(TAG_VARIABLE), &all));
    }
}
