use crate::domain::InvalidInput;
use crate::executor::settings::PermissionMode;

/// Says to the program that it runs where it can do no harm.
const IS_SANDBOX: &str = "IS_SANDBOX";

/// Refuses what the program itself refuses: to be asked for nothing while it runs as root.
pub(super) fn check(mode: PermissionMode) -> Result<(), InvalidInput> {
    let says_so = std::env::var_os(IS_SANDBOX).is_some_and(|value| value == "1");
    check_as(mode, is_root(), says_so)
}

fn check_as(mode: PermissionMode, is_root: bool, says_so: bool) -> Result<(), InvalidInput> {
    if mode != PermissionMode::BypassPermissions || !is_root || says_so {
        return Ok(());
    }
    let problem = format!(
        "is `bypassPermissions`, which Claude Code refuses as root; run this process as another user, set {IS_SANDBOX}=1 in \
         its environment where it runs in a container of its own, or name what it may do in allowed_tools"
    );
    Err(InvalidInput::new("payload.permission_mode", problem))
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_asked_unless_it_says_that_it_may_do_anything() {
        let bypass = PermissionMode::BypassPermissions;
        let refused = check_as(bypass, true, false).unwrap_err();
        assert_eq!(refused.field, "payload.permission_mode");
        assert!(refused.problem.contains("IS_SANDBOX=1"), "{refused}");
        check_as(bypass, true, true).unwrap();
        check_as(bypass, false, false).unwrap();
        check_as(PermissionMode::AcceptEdits, true, false).unwrap();
    }
}
