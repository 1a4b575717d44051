/// Milliseconds as seconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "no time of a task needs 2^53 ms"
)]
pub(crate) fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
