//! What is wrong in a configuration is said with its place, its key, its value and the remedy.
#![cfg(feature = "engine")]

use mcs_core::config::{Config, ConfigError, Place};
use std::path::Path;
use std::time::Duration;

fn refused(text: &str, environment: &[(&str, &str)]) -> ConfigError {
    let read = Config::parse(Path::new("mcs.toml"), text, |name| {
        let mut pairs = environment.iter();
        let found = pairs.find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    });
    read.expect_err(text)
}

/// Every part of what is said about each text.
#[track_caller]
fn says(cases: &[(&str, &[&str])]) {
    for (text, parts) in cases {
        let message = refused(text, &[]).to_string();
        for part in *parts {
            assert!(message.contains(part), "{text}\n{message}\nlacks: {part}");
        }
    }
}

#[test]
fn unknown_keys_name_the_nearest_right_one() {
    says(&[
        (
            "\ndatabse = 'x'",
            &["mcs.toml:2", "`databse`", "did you mean `database`?"],
        ),
        (
            "[engin]\nlease = '1s'",
            &["mcs.toml:1", "`engin`", "did you mean `engine`?"],
        ),
        (
            "[engine]\nconcurency = 1",
            &["`engine.concurency`", "did you mean `engine.concurrency`?"],
        ),
        (
            "[engine.retry]\n\nattempts = 1",
            &[
                "mcs.toml:3",
                "`engine.retry.attempts`",
                "`engine.retry.max_attempts`",
            ],
        ),
        (
            "engine = { retry = { bse = '1s' } }",
            &["`engine.retry.bse`", "did you mean `engine.retry.base`?"],
        ),
        (
            "[queues.slow]\nconcurrency = 1\nlimit = 2",
            &["mcs.toml:3", "`queues.slow.limit`"],
        ),
        (
            "[providers.openai]\napikey = 'x'",
            &[
                "`providers.openai.apikey`",
                "did you mean `providers.openai.api_key`?",
            ],
        ),
        (
            "[providers.lab]\nbase_url = 'http://x'\nurl = 'y'",
            &["mcs.toml:3", "`providers.lab.url`"],
        ),
        (
            "[retention]\ncomplete = '1d'",
            &["did you mean `retention.completed`?"],
        ),
        ("[mcp]\ntool = 'all'", &["did you mean `mcp.tools`?"]),
        (
            "[[models]]\nid = 'm'\nprovider = 'p'\ncontext = 1",
            &[
                "mcs.toml:4",
                "`models[0].context`",
                "`models[0].context_tokens`",
            ],
        ),
        // The right key in the wrong table.
        (
            "concurrency = 1",
            &["`concurrency`", "did you mean `engine.concurrency`?"],
        ),
        (
            "[mcp]\nmax_attempts = 1",
            &["did you mean `engine.retry.max_attempts`?"],
        ),
        // Nothing is near.
        (
            "[mcp]\nzzzz = 1",
            &[
                "`mcp.zzzz`",
                "there are `authorization_servers`, `max_sessions`, `mcp_id`, `name`",
            ],
        ),
    ]);
}

#[test]
fn wrong_types_name_the_value_and_the_right_type() {
    says(&[
        (
            "database = 5",
            &["`database`", "the number 5", "text in quotes"],
        ),
        ("database = ''", &["`database` is empty", ":memory:"]),
        (
            "synchronous = 'off'",
            &["`synchronous`", "\"off\"", "\"full\", \"normal\""],
        ),
        ("synchronous = true", &["`synchronous` is true"]),
        ("log = 'loud'", &["`log`", "\"loud\"", "\"trace\""]),
        ("engine = 5", &["`engine`", "[engine]"]),
        (
            "[engine]\nconcurrency = '10'",
            &[
                "mcs.toml:2",
                "`engine.concurrency`",
                "the text \"10\"",
                "without quotes",
            ],
        ),
        (
            "[engine]\nconcurrency = 1.5",
            &["the number 1.5", "whole number"],
        ),
        (
            "[engine]\nconcurrency = -1",
            &["the number -1", "whole number"],
        ),
        (
            "[engine]\nmax_waiting = [1]",
            &["`engine.max_waiting` is a list"],
        ),
        (
            "[engine]\nlease = 30",
            &["`engine.lease` is the number 30", "\"30s\""],
        ),
        (
            "[engine]\nlease = '30'",
            &["`engine.lease`", "\"30\"", "unit"],
        ),
        ("[engine]\nlease = 'soon'", &["\"soon\"", "\"30s\""]),
        ("[engine]\nlease = '-5s'", &["\"-5s\""]),
        ("[engine]\nlease = 2026-11-20", &["is a date"]),
        (
            "[engine]\nattempt_timeout = '200years'",
            &["\"200years\"", "a hundred years"],
        ),
        ("[engine]\nretry = 3", &["`engine.retry`", "[engine.retry]"]),
        ("queues = 5", &["`queues`", "[queues]"]),
        ("[queues]\nslow = 5", &["`queues.slow`", "[queues.slow]"]),
        (
            "[queues.slow]\nconcurrency = {}",
            &["`queues.slow.concurrency` is a table"],
        ),
        (
            "[providers.openai]\nkind = 'grpc'",
            &["`providers.openai.kind`", "\"grpc\"", "\"openai\""],
        ),
        (
            "[providers.openai]\napi_key = 5",
            &["`providers.openai.api_key`", "in quotes"],
        ),
        (
            "[providers.openai]\ntimeout = 60",
            &["`providers.openai.timeout`", "the number 60"],
        ),
        (
            "[providers.openai]\nstream_usage = 'no'",
            &["`providers.openai.stream_usage`", "true or false"],
        ),
        (
            "default_provider = ['a']",
            &["`default_provider` is a list"],
        ),
        ("[models]\nid = 'x'", &["`models`", "[[models]]"]),
        ("models = [1]", &["`models[0]`"]),
        (
            "[[models]]\nid = 'm'",
            &["mcs.toml:1", "`models[0].provider` is missing"],
        ),
        (
            "[[models]]\nid = 'm'\nprovider = 'p'\noutput_usd_per_mtok = 'x'",
            &["`models[0].output_usd_per_mtok`", "such as 0.15"],
        ),
        (
            "[retention]\nevents = 'never'",
            &["`retention.events`", "\"forever\""],
        ),
        (
            "[mcp]\ntools = 'some'",
            &["`mcp.tools`", "\"core\", \"standard\", \"all\""],
        ),
    ]);
}

#[test]
fn values_out_of_range_name_the_range() {
    says(&[
        (
            "[engine]\nconcurrency = 0",
            &["mcs.toml:2", "`engine.concurrency` is 0", "1 to 100000"],
        ),
        (
            "[engine]\nmax_waiting = 999999999",
            &["`engine.max_waiting`", "0 to 100000"],
        ),
        (
            "[engine]\nlease = '10ms'",
            &["`engine.lease` is 10ms", "1s to 1h"],
        ),
        (
            "[engine]\nlease = '10s'",
            &[
                "`engine.heartbeat` is 10s with `engine.lease` at 10s",
                "third",
            ],
        ),
        ("[engine]\nheartbeat = '0s'", &["`engine.heartbeat` is 0s"]),
        (
            "[engine]\nattempt_timeout = '0s'",
            &["`engine.attempt_timeout` is 0s", "a hundred years"],
        ),
        (
            "[engine]\nshutdown_grace = '2h'",
            &["`engine.shutdown_grace` is 2h"],
        ),
        (
            "[engine.retry]\nbase = '10m'",
            &[
                "mcs.toml:2",
                "`engine.retry.base` is 10m",
                "`engine.retry.cap` at 5m",
            ],
        ),
        ("[engine.retry]\ncap = '0s'", &["`engine.retry.cap` is 0s"]),
        (
            "[engine.retry]\nmax_attempts = 0",
            &["`engine.retry.max_attempts` is 0", "1 to 1000"],
        ),
        (
            "[queues.slow]\nconcurrency = 0",
            &["`queues.slow.concurrency` is 0"],
        ),
        (
            "[queues.slow]",
            &["mcs.toml:1", "`queues.slow.concurrency` is missing"],
        ),
        (
            "[queues.'']\nconcurrency = 1",
            &["`queues.\"\"`", "is empty"],
        ),
        (
            "[providers.openai]\ntimeout = '0s'",
            &["`providers.openai.timeout` is 0s"],
        ),
        (
            "[providers.openai]\nmax_answer_bytes = 0",
            &["`providers.openai.max_answer_bytes` is 0"],
        ),
        (
            "[[models]]\nid = 'm'\nprovider = 'p'\ninput_usd_per_mtok = -1",
            &["`models[0].input_usd_per_mtok` is -1"],
        ),
    ]);
}

#[test]
fn kinds_that_no_task_could_name_are_refused() {
    says(&[
        (
            "[[kinds]]\ndescription = 'x'",
            &["mcs.toml:1", "`kinds[0].name` is missing"],
        ),
        (
            "[[kinds]]\nname = 'x'\nschema = '{'",
            &["mcs.toml:3", "`kinds[0].schema` is not JSON"],
        ),
        (
            "[[kinds]]\nname = 'x'\n[[kinds]]\nname = ''",
            &["`kinds[1].name` is empty"],
        ),
    ]);
}

#[test]
fn providers_that_cannot_be_called_are_refused() {
    says(&[
        (
            "[providers.opnai]\ntimeout = '1s'",
            &[
                "mcs.toml:1",
                "`providers.opnai.base_url` is missing",
                "did you mean `providers.openai`?",
            ],
        ),
        (
            "[providers.echo]\nbase_url = 'http://x'",
            &["`providers.echo`", "built in"],
        ),
        (
            "[providers.lab]\nbase_url = 'localhost:8080'",
            &["`localhost:8080`", "http://127.0.0.1:8080/v1"],
        ),
        (
            "[providers.lab]\nbase_url = 'http://'",
            &["`providers.lab.base_url`"],
        ),
        (
            "[providers.openai]\napi_key = '${NOWHERE}'",
            &[
                "mcs.toml:2",
                "`providers.openai.api_key`",
                "`NOWHERE`, which is not set",
            ],
        ),
        ("[providers.openai]\napi_key = '${OPEN'", &["without `}`"]),
        (
            "[providers.openai]\napi_key = 'a b'",
            &["`providers.openai.api_key`", "copy the key again"],
        ),
        (
            "[providers.openai]\napi_key_env = 'NOWHERE'",
            &[
                "`providers.openai.api_key_env`",
                "`NOWHERE`, which is not set",
            ],
        ),
        (
            "[providers.openai]\napi_key = 'x'\napi_key_env = 'HOME'",
            &["`providers.openai.api_key_env`", "keep one of the two"],
        ),
        (
            "[providers.openai]\nmax_tokens = 5",
            &["mcs.toml:2", "`providers.openai.max_tokens`", "\"openai\""],
        ),
        (
            "[providers.anthropic]\nstream_usage = true",
            &["`providers.anthropic.stream_usage`", "\"anthropic\""],
        ),
        (
            "[providers.anthropic]\nmax_tokens = 0",
            &["`providers.anthropic.max_tokens` is 0"],
        ),
        (
            "[providers.openai]\nkind = 'anthropic'",
            &["`providers.openai.base_url` is missing"],
        ),
        (
            "[providers.work]\nkind = 'claude'",
            &["`providers.work.kind`", "\"anthropic\""],
        ),
    ]);
}

#[test]
fn providers_that_could_ask_nobody_are_refused() {
    says(&[
        (
            "[providers.any]\nkind = 'routed'",
            &["`providers.any.providers` is empty"],
        ),
        (
            "[providers.any]\nkind = 'routed'\nproviders = 'openai'",
            &["mcs.toml:3", "`providers.any.providers`", "a list of texts"],
        ),
        (
            "[providers.any]\nkind = 'routed'\nproviders = ['openai', 1]",
            &["`providers.any.providers` is a list of other things"],
        ),
        (
            "[providers.any]\nkind = 'routed'\nproviders = ['other']\n[providers.other]\nkind = 'routed'\nproviders = ['any']",
            &[
                "mcs.toml:3",
                "`providers.any.providers`",
                "any asks other asks any",
            ],
        ),
        (
            "[providers.any]\nkind = 'routed'\nproviders = ['openai']\nbase_url = 'http://host'",
            &["`providers.any.base_url`", "\"routed\""],
        ),
        (
            "[providers.any]\nkind = 'routed'\nproviders = ['openai']\npolicy = 'best'",
            &["`providers.any.policy`", "\"lowest_cost\""],
        ),
        (
            "[providers.any]\nkind = 'routed'\nproviders = ['openai']\nbreaker_pause = '0s'",
            &["`providers.any.breaker_pause`", "1ms to 24h"],
        ),
        (
            "[providers.any]\nkind = 'routed'\nproviders = ['openai']\n[providers.any.models]\nopnai = 'm'",
            &["`providers.any.models.opnai`", "openai"],
        ),
        (
            "[providers.openai]\npolicy = 'in_order'",
            &["`providers.openai.policy`", "\"openai\""],
        ),
    ]);
}

#[test]
fn text_that_is_not_toml_is_named_by_line() {
    says(&[
        ("a = 1\nb = ", &["mcs.toml:2", "not valid TOML"]),
        ("a = 1\na = 2", &["mcs.toml:2", "duplicate"]),
    ]);
}

#[test]
fn a_bad_variable_is_named() {
    let cases = [
        (
            "MCS_ENGINE_CONCURRENCY",
            "many",
            "`engine.concurrency` is `many`",
        ),
        ("MCS_ENGINE_CONCURRENCY", "0", "`engine.concurrency` is 0"),
        ("MCS_ENGINE_LEASE", "30", "`engine.lease` is `30`"),
        ("MCS_SYNCHRONOUS", "maybe", "`synchronous` is `maybe`"),
        ("MCS_RETENTION_FAILED", "x", "`retention.failed` is `x`"),
        (
            "OPENAI_BASE_URL",
            "nowhere",
            "`providers.openai.base_url` is `nowhere`",
        ),
        ("DEEPSEEK_API_KEY", "a b", "`providers.deepseek.api_key`"),
        ("ANTHROPIC_API_KEY", "a b", "`providers.anthropic.api_key`"),
    ];
    for (name, value, part) in cases {
        let message = refused("", &[(name, value)]).to_string();
        let place = format!("environment variable {name}: ");
        assert!(
            message.starts_with(&place) && message.contains(part),
            "{message}"
        );
    }
}

#[test]
fn what_code_sets_is_checked_too() {
    let mut config = Config::in_memory();
    config.engine.heartbeat = Duration::from_hours(1);
    let ConfigError::Value { place, key, .. } = config.check().unwrap_err() else {
        panic!("a wrong value");
    };
    assert_eq!((place, key.as_str()), (Place::Code, "engine.heartbeat"));
}
