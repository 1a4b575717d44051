use crate::domain::{EventKind, InvalidInput, TaskEvent, TaskId, check_name};
use crate::service::Principal;

/// Which events somebody wants to hear. What is `None` does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Events of this task.
    pub task: Option<TaskId>,
    /// Events of tasks of this kind.
    pub kind: Option<String>,
    /// Events of tasks of this queue.
    pub queue: Option<String>,
    /// These events.
    pub events: Option<Vec<EventKind>>,
    /// The answer of the task too, as it is streamed. Needs [`EventFilter::task`].
    pub deltas: bool,
}

impl EventFilter {
    /// Refuses names that no task has, and deltas of all tasks.
    pub(super) fn check(&self) -> Result<(), InvalidInput> {
        for (field, name) in [("kind", &self.kind), ("queue", &self.queue)] {
            if let Some(name) = name {
                check_name(field, name)?;
            }
        }
        if self.deltas && self.task.is_none() {
            let problem = "is only there for one task; name it with `task`";
            return Err(InvalidInput::new("deltas", problem));
        }
        Ok(())
    }
}

/// What somebody hears: what they asked for, of the tasks that exist for them.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    filter: EventFilter,
    /// One bit an event kind.
    kinds: u32,
    who: Principal,
}

impl Heard {
    /// What `who` hears of what they asked for.
    pub(super) fn new(who: Principal, filter: EventFilter) -> Self {
        let all = |kinds: &[EventKind]| kinds.iter().fold(0, |bits, kind| bits | bit(*kind));
        Self {
            kinds: filter.events.as_deref().map_or(u32::MAX, all),
            filter,
            who,
        }
    }

    /// The one task that is meant.
    pub(super) const fn task(&self) -> Option<TaskId> {
        self.filter.task
    }

    /// Whether the streamed answer is meant too.
    pub(super) const fn deltas(&self) -> bool {
        self.filter.deltas
    }

    /// Whether an event is meant.
    pub(super) fn is_meant(&self, event: &TaskEvent) -> bool {
        let filter = &self.filter;
        self.kinds & bit(event.kind) != 0
            && filter.task.is_none_or(|task| task == event.task)
            && is(filter.kind.as_deref(), &event.task_kind)
            && is(filter.queue.as_deref(), &event.queue)
            && self.who.sees(&event.owner)
    }
}

fn bit(kind: EventKind) -> u32 {
    1 << u32::from(kind.code())
}

fn is(wanted: Option<&str>, name: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Scopes;

    fn event(task: u8, kind: EventKind, owner: &str) -> TaskEvent {
        TaskEvent {
            task: TaskId::from_bytes([task; 16]),
            kind,
            queue: "q".into(),
            task_kind: "k".into(),
            owner: owner.into(),
            attempt: 1,
            detail: None,
        }
    }

    #[test]
    fn every_part_of_a_filter_holds() {
        let event = event(1, EventKind::Failed, "alice");
        let hears = |filter: EventFilter| Heard::new(Principal::local(), filter).is_meant(&event);
        let any = EventFilter::default;
        assert!(hears(any()));
        let text = |text: &str| Some(text.to_owned());
        let task = |byte| Some(TaskId::from_bytes([byte; 16]));
        for (filter, meant) in [
            (
                EventFilter {
                    task: task(1),
                    ..any()
                },
                true,
            ),
            (
                EventFilter {
                    task: task(2),
                    ..any()
                },
                false,
            ),
            (
                EventFilter {
                    kind: text("k"),
                    ..any()
                },
                true,
            ),
            (
                EventFilter {
                    kind: text("q"),
                    ..any()
                },
                false,
            ),
            (
                EventFilter {
                    queue: text("q"),
                    ..any()
                },
                true,
            ),
            (
                EventFilter {
                    queue: text("k"),
                    ..any()
                },
                false,
            ),
            (
                EventFilter {
                    events: Some(vec![EventKind::Output, EventKind::Failed]),
                    ..any()
                },
                true,
            ),
            (
                EventFilter {
                    events: Some(vec![EventKind::Completed]),
                    ..any()
                },
                false,
            ),
            (
                EventFilter {
                    events: Some(Vec::new()),
                    ..any()
                },
                false,
            ),
            (
                EventFilter {
                    task: task(1),
                    queue: text("k"),
                    ..any()
                },
                false,
            ),
        ] {
            assert_eq!(hears(filter.clone()), meant, "{filter:?}");
        }
    }

    #[test]
    fn others_are_not_heard() {
        let all = EventFilter::default();
        let event = event(1, EventKind::Created, "alice");
        let hears = |name: &str, scopes| {
            Heard::new(Principal::new(name, scopes), all.clone()).is_meant(&event)
        };
        assert!(hears("alice", Scopes::USER));
        assert!(!hears("bob", Scopes::USER));
        assert!(hears("bob", Scopes::ALL));
    }

    #[test]
    fn a_filter_is_checked() {
        let check = |filter: EventFilter| filter.check().map_err(|error| error.field);
        let any = EventFilter::default;
        assert_eq!(
            check(EventFilter {
                queue: Some(String::new()),
                ..any()
            }),
            Err("queue".into())
        );
        assert_eq!(
            check(EventFilter {
                deltas: true,
                ..any()
            }),
            Err("deltas".into())
        );
        let task = Some(TaskId::from_bytes([1; 16]));
        assert_eq!(
            check(EventFilter {
                deltas: true,
                task,
                ..any()
            }),
            Ok(())
        );
    }
}
