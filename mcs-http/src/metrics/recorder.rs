use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;

/// The recorder of this process, if it is the one of this crate.
static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();

/// How often samples are put into their buckets. Until then each takes memory of its own.
const SORTED_EVERY: Duration = Duration::from_secs(1);

/// Bounds of times in seconds: from a read of a store to a long run of an agent.
const SECONDS: [f64; 19] = [
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    30.0, 60.0, 300.0, 1800.0,
];
/// Bounds of counts of things that go together.
const COUNTS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];
/// Bounds of tokens, as OpenTelemetry advises.
const TOKENS: [f64; 9] = [
    1.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0,
];
/// Bounds of US dollars.
const USD: [f64; 8] = [0.0001, 0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0];

/// Why there is no recorder.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// There is one, and it stays.
    #[error(
        "this process has a recorder of metrics already, which has what the service tells: {0}"
    )]
    Recorder(#[from] BuildError),
    /// The thread that keeps it small could not be started.
    #[error(
        "the thread that sorts metrics could not be started: {0}; let this process have one more"
    )]
    Thread(#[from] std::io::Error),
}

/// Makes the recorder of the process, once; later calls do nothing. It has to be there before anything is opened that tells
/// it something.
pub fn install() -> Result<(), InstallError> {
    if INSTALLED.get().is_some() {
        return Ok(());
    }
    let batches = |name: &str| Matcher::Suffix(name.to_owned());
    let recorder = PrometheusBuilder::new()
        .with_recommended_naming(true)
        .set_buckets(&SECONDS)?
        .set_buckets_for_metric(batches("batch.size"), &COUNTS)?
        .set_buckets_for_metric(batches("commit.operations"), &COUNTS)?
        .set_buckets_for_metric(batches("token.usage"), &TOKENS)?
        .set_buckets_for_metric(batches("attempt.tokens"), &TOKENS)?
        .set_buckets_for_metric(batches("cost.usd"), &USD)?;
    let handle = recorder.install_recorder()?;
    let own = handle.clone();
    // A thread, since it must go on whatever the runtime of the host does.
    let sort = move || {
        loop {
            std::thread::sleep(SORTED_EVERY);
            own.run_upkeep();
        }
    };
    let thread = std::thread::Builder::new().name("mcs-metrics".to_owned());
    thread.stack_size(STACK).spawn(sort)?;
    // Of two at a time only one installs.
    let _ = INSTALLED.set(handle);
    Ok(())
}

/// Sorting samples needs little.
const STACK: usize = 256 * 1024;

/// What was told so far, if this crate has the recorder.
pub(super) fn render() -> String {
    INSTALLED
        .get()
        .map(PrometheusHandle::render)
        .unwrap_or_default()
}
