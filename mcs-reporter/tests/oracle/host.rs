//! A process that reports until it is killed, and says of each event that it was accepted.

use mcs_core::domain::Timestamp;
use mcs_core::reporter::{Interaction, InteractionAction, InteractionReporter, Report};
use mcs_reporter::{Reporter, ReporterBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Who reports.
pub(crate) const MCP: &str = "oracle_mcp";
/// Events of one interaction, from its start to its end.
const EVENTS: u64 = 4;
/// The time-out of the reporters: short, so that a run meets many of them.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(500);

/// What a process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) url: String,
    pub(crate) key: String,
    pub(crate) cache: PathBuf,
    /// Tells its events from those of others.
    pub(crate) life: String,
    /// Events that it reports at most.
    pub(crate) events: u64,
}

/// A reporter as each process has it.
pub(crate) fn reporter(role: &Role) -> ReporterBuilder {
    Reporter::builder()
        .coordinator_url(&role.url)
        .api_key(&role.key)
        .mcp_id(MCP)
        .local_cache_path(&role.cache)
        .requests_per_second(1000)
        .timeout(TIMEOUT)
        .connect_timeout(TIMEOUT / 2)
        .retry_delay(Duration::from_millis(20))
}

/// Reports until it is killed.
pub(crate) fn live(role: &Role) {
    let reporter = reporter(role).build().unwrap();
    let mut stdout = std::io::stdout().lock();
    let mut rng = fastrand::Rng::new();
    for n in 0..role.events {
        match reporter.report(event(&role.life, n, &mut rng)) {
            // One write each: half a line is no word.
            Report::Accepted => stdout
                .write_all(format!("accepted {} {n}\n", role.life).as_bytes())
                .unwrap(),
            Report::Rejected(why) => panic!("{why}"),
            Report::Disabled => panic!("reporting is switched off"),
        }
        if rng.u8(..) < 16 {
            std::thread::sleep(Duration::from_millis(rng.u64(0..20)));
        }
    }
    // All is said; the end comes from outside.
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// The event `n` of a life. Clocks jump now and then.
fn event(life: &str, n: u64, rng: &mut fastrand::Rng) -> Interaction {
    let action = match n % EVENTS {
        0 => InteractionAction::Start,
        3 => InteractionAction::Complete,
        _ => InteractionAction::Progress,
    };
    let jump = if rng.u8(..) < 8 { 86_400_000 } else { 0 };
    let mut data = Map::new();
    data.insert("n".to_owned(), json!(n));
    data.insert("text".to_owned(), "x".repeat(rng.usize(..400)).into());
    Interaction {
        action,
        interaction_id: interaction_id(life, n),
        at: Timestamp::from_millis(1_700_000_000_000 + jump + i64::try_from(n).unwrap()),
        data,
        traceparent: None,
    }
}

/// The interaction that the event `n` of a life belongs to.
pub(crate) fn interaction_id(life: &str, n: u64) -> String {
    format!("int_{life}_{}", n / EVENTS)
}

/// What a process said that was accepted: its life and the number. Half of a line at the end was not said.
pub(crate) fn listen(output: impl Read) -> Vec<(String, u64)> {
    let mut output = BufReader::new(output);
    let (mut line, mut said) = (String::new(), Vec::new());
    while output.read_line(&mut line).unwrap_or(0) > 0 && line.ends_with('\n') {
        let mut words = line
            .split_whitespace()
            .skip_while(|word| *word != "accepted");
        if let (Some(_), Some(life), Some(n)) = (words.next(), words.next(), words.next()) {
            said.push((life.to_owned(), n.parse().unwrap()));
        }
        line.clear();
    }
    said
}
