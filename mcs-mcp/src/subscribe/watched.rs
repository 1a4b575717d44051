use crate::resources::{Of, TaskUri};
use mcs_core::domain::TaskId;
use rmcp::model::SubscriptionFilter;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most resources that one client watches with one listener, or in one session.
pub(super) const MOST: usize = 100;

/// Of what a listener asks for, what it is told of: the tools, and the first hundred resources of tasks. The lists of
/// resources and prompts never change.
pub(crate) fn accepted(requested: &SubscriptionFilter) -> SubscriptionFilter {
    let asked = requested.resource_subscriptions.iter().flatten();
    let watched = Watched::of(asked);
    let mut accepted = SubscriptionFilter::new();
    accepted.tools_list_changed = requested.tools_list_changed;
    accepted.resource_subscriptions = Some(watched.uris()).filter(|uris| !uris.is_empty());
    accepted
}

/// The resources that a client watches, as it wrote them.
#[derive(Debug, Default)]
pub(super) struct Watched(Mutex<Vec<(String, TaskUri)>>);

impl Watched {
    /// Of these, the first that are resources of tasks.
    pub(super) fn of<'a>(uris: impl IntoIterator<Item = &'a String>) -> Self {
        let watched = Self::default();
        for uri in uris {
            if let Some(Ok(named)) = TaskUri::read(uri) {
                watched.add(uri, named);
            }
        }
        watched
    }

    /// Watches one more. Says whether it does; it does not where there is no room.
    pub(super) fn add(&self, uri: &str, named: TaskUri) -> bool {
        let mut list = self.list();
        let known = list.iter().any(|(watched, _)| watched == uri);
        if !known && list.len() < MOST {
            list.push((uri.to_owned(), named));
            return true;
        }
        known
    }

    /// Watches one less.
    pub(super) fn remove(&self, uri: &str) {
        self.list().retain(|(watched, _)| watched != uri);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// What is watched, as the client wrote it.
    pub(super) fn uris(&self) -> Vec<String> {
        self.list().iter().map(|(uri, _)| uri.clone()).collect()
    }

    /// The tasks of which something is watched.
    pub(super) fn tasks(&self) -> BTreeSet<TaskId> {
        self.list().iter().map(|(_, named)| named.task).collect()
    }

    /// Whether something of a task is watched.
    pub(super) fn has(&self, task: TaskId) -> bool {
        self.list().iter().any(|(_, named)| named.task == task)
    }

    /// The resources that change with a task. Its result is there only once it has `ended`.
    pub(super) fn of_task(&self, task: TaskId, ended: bool) -> Vec<String> {
        let list = self.list();
        let changed = list
            .iter()
            .filter(|(_, named)| named.task == task && (ended || named.of == Of::Status));
        changed.map(|(uri, _)| uri.clone()).collect()
    }

    fn list(&self) -> MutexGuard<'_, Vec<(String, TaskUri)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(number: usize) -> String {
        format!("task://0199aabb-ccdd-7eef-8011-{number:012}")
    }

    #[test]
    fn the_first_resources_of_tasks_are_accepted() {
        let mut uris = vec!["data://system/stats".to_owned(), uri(0), uri(0)];
        uris.extend((1..150).map(uri));
        let asked = SubscriptionFilter::builder()
            .tools_list_changed()
            .prompts_list_changed()
            .resources_list_changed()
            .resource_subscriptions(uris)
            .build();
        let wanted = SubscriptionFilter::builder()
            .tools_list_changed()
            .resource_subscriptions((0..MOST).map(uri))
            .build();
        assert_eq!(accepted(&asked), wanted);
        assert_eq!(
            accepted(&SubscriptionFilter::new()),
            SubscriptionFilter::new()
        );
    }

    #[test]
    fn a_result_changes_when_its_task_has_ended() {
        let result = format!("{}/result", uri(1));
        let watched = Watched::of([&uri(1), &result, &uri(2)]);
        let task = *watched.tasks().first().expect("a task");
        assert_eq!(watched.of_task(task, false), [uri(1)]);
        assert_eq!(watched.of_task(task, true), [uri(1), result.clone()]);
        watched.remove(&uri(1));
        assert!(watched.has(task));
        watched.remove(&result);
        assert!(!watched.has(task) && !watched.is_empty());
    }
}
