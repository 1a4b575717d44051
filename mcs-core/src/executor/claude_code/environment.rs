use crate::process::{DEFAULT_ENVIRONMENT, allowed_environment};
use std::ffi::OsString;

/// What the program itself needs beside the usual: where it finds its login, the API and a proxy. Not all that begins with
/// `CLAUDE`: where this process was itself started by Claude Code, such variables say which session that is.
const NEEDED: [&str; 26] = [
    "ANTHROPIC_*",
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_*",
    "CLAUDE_CODE_SKIP_*",
    "CLAUDE_CODE_DISABLE_*",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
    "CLAUDE_CODE_CLIENT_CERT",
    "CLAUDE_CODE_CLIENT_KEY",
    "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE",
    "DISABLE_*",
    "IS_SANDBOX",
    "AWS_*",
    "CLOUD_ML_REGION",
    "VERTEX_*",
    "GOOGLE_*",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "XDG_*",
];

/// What the program is given of this process's environment, and the variables `names` as well.
pub(super) fn inherited(names: &[String]) -> Vec<(OsString, OsString)> {
    let always = DEFAULT_ENVIRONMENT.iter().chain(&NEEDED);
    let mut allow: Vec<String> = always.map(|name| (*name).to_owned()).collect();
    allow.extend_from_slice(names);
    allowed_environment(&allow)
}

/// Whether `name` is among `allowed`, where a `*` at the end stands for any end.
pub(super) fn is_allowed(name: &str, allowed: &[String]) -> bool {
    allowed
        .iter()
        .any(|allowed| match allowed.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == allowed,
        })
}

/// Whether the program is set up to reach models by other names than Anthropic's own, as over a gateway.
pub(super) fn has_foreign_models() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    [
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_BEDROCK_BASE_URL",
        "ANTHROPIC_VERTEX_BASE_URL",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX",
        "CLAUDE_CODE_USE_FOUNDRY",
    ]
    .into_iter()
    .any(is_set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_their_beginnings_are_allowed() {
        let allowed = ["NPM_*", "TOKEN"].map(str::to_owned);
        assert!(is_allowed("NPM_TOKEN", &allowed) && is_allowed("TOKEN", &allowed));
        assert!(!is_allowed("TOKENS", &allowed) && !is_allowed("NP", &allowed));
    }

    #[test]
    fn what_says_that_one_runs_inside_of_it_is_not_handed_on() {
        let needed = NEEDED.map(str::to_owned);
        for own in [
            "CLAUDECODE",
            "CLAUDE_CODE_ENTRYPOINT",
            "CLAUDE_CODE_SSE_PORT",
        ] {
            assert!(!is_allowed(own, &needed), "{own}");
        }
        assert!(is_allowed("ANTHROPIC_API_KEY", &needed));
    }
}
