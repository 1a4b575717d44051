use super::Context;
use crate::process::Spawner;

/// Ends what whoever had the task before may have left running when it died: it would work beside this attempt. The start
/// of the spawner sees only those that had died by then.
pub(super) async fn end_orphans(spawner: &Spawner, context: &Context) {
    if context.lease().0 > 1 {
        spawner.end_orphans().await;
    }
}
