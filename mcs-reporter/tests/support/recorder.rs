use mcs_reporter::{Interaction, InteractionAction, InteractionReporter, Report};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// A reporter that keeps what it is told.
#[derive(Debug)]
pub(crate) struct Recorder {
    told: Mutex<Vec<Interaction>>,
    count: watch::Sender<usize>,
    pub(crate) enabled: bool,
}

impl Recorder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::switched(true))
    }

    pub(crate) fn switched(enabled: bool) -> Self {
        Self {
            told: Mutex::default(),
            count: watch::channel(0).0,
            enabled,
        }
    }

    /// Everything, as soon as there is so much.
    pub(crate) async fn told(&self, count: usize) -> Vec<Interaction> {
        let mut seen = self.count.subscribe();
        seen.wait_for(|seen| *seen >= count).await.unwrap();
        let told = self.told.lock().unwrap().clone();
        assert_eq!(told.len(), count, "{told:#?}");
        told
    }

    /// The data of start and end of the only call.
    pub(crate) async fn only_call(&self) -> (Interaction, Interaction) {
        let [start, end] = <[Interaction; 2]>::try_from(self.told(2).await).unwrap();
        assert_eq!(start.action, InteractionAction::Start);
        assert_eq!(start.interaction_id, end.interaction_id);
        (start, end)
    }
}

impl InteractionReporter for Recorder {
    fn report(&self, interaction: Interaction) -> Report {
        let mut told = self.told.lock().unwrap();
        told.push(interaction);
        self.count.send_replace(told.len());
        Report::Accepted
    }

    fn is_enabled(&self) -> bool {
        self.enabled
    }
}

/// A text field of an event's data, or "".
pub(crate) fn text<'a>(interaction: &'a Interaction, field: &str) -> &'a str {
    interaction
        .data
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
