use super::{Happening, Tally, Timestamp, limits};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What work is told apart by in aggregates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct WorkGroup {
    /// The queue; `None` in hours that were counted before it was told apart.
    pub queue: Option<Arc<str>>,
    /// The kind; `None` like the queue.
    pub kind: Option<Arc<str>>,
    /// The model; `None` where a task named none.
    pub model: Option<Arc<str>>,
}

impl WorkGroup {
    /// The group of a task. A model whose name is longer than names are is cut to such a length.
    pub(crate) fn of(queue: &Arc<str>, kind: &Arc<str>, model: Option<&str>) -> Self {
        let cut = |name: &str| name[..name.floor_char_boundary(limits::NAME_BYTES)].into();
        Self {
            queue: Some(Arc::clone(queue)),
            kind: Some(Arc::clone(kind)),
            model: model.filter(|name| !name.is_empty()).map(cut),
        }
    }

    /// The group of what has no place of its own any more.
    fn other() -> Self {
        let other: Option<Arc<str>> = Some(limits::OTHER.into());
        Self {
            queue: other.clone(),
            kind: other.clone(),
            model: other,
        }
    }
}

/// The groups of one hour, which are bounded.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct GroupNames {
    groups: BTreeSet<WorkGroup>,
    queues: BTreeSet<Arc<str>>,
    kinds: BTreeSet<Arc<str>>,
    models: BTreeSet<Arc<str>>,
}

impl GroupNames {
    /// The group under which `group` counts: itself while there is room, else with `other` for the names that are too many.
    pub(crate) fn place(&mut self, group: WorkGroup) -> WorkGroup {
        if self.groups.contains(&group) {
            return group;
        }
        let mut placed = WorkGroup {
            queue: admit(&self.queues, group.queue),
            kind: admit(&self.kinds, group.kind),
            model: admit(&self.models, group.model),
        };
        // One place is left for the last group of all.
        if self.groups.len() + 1 >= limits::STATS_GROUPS && !self.groups.contains(&placed) {
            placed = WorkGroup::other();
        }
        self.add(placed.clone());
        placed
    }

    /// Adds a group that has its place.
    pub(crate) fn add(&mut self, group: WorkGroup) {
        self.queues.extend(group.queue.clone());
        self.kinds.extend(group.kind.clone());
        self.models.extend(group.model.clone());
        self.groups.insert(group);
    }
}

fn admit(known: &BTreeSet<Arc<str>>, name: Option<Arc<str>>) -> Option<Arc<str>> {
    name.map(|name| {
        // One place is left for `other`.
        if known.contains(&name) || known.len() + 1 < limits::STATS_NAMES {
            name
        } else {
            limits::OTHER.into()
        }
    })
}

/// Aggregates of one hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HourlyStats {
    /// The start of the hour.
    pub hour: Timestamp,
    /// What happened in it, by group, in the order of groups.
    pub groups: Vec<(WorkGroup, Tally)>,
}

impl HourlyStats {
    /// What happened in the hour.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        for (_, tally) in &self.groups {
            total.merge(tally);
        }
        total
    }
}

/// Aggregates of one hour that grow.
#[derive(Debug, Default)]
pub(crate) struct GrowingHour {
    names: GroupNames,
    groups: BTreeMap<WorkGroup, Tally>,
}

impl GrowingHour {
    /// Adds what happened to a task of `group`.
    pub(crate) fn count(&mut self, group: WorkGroup, what: &Happening) {
        let group = self.names.place(group);
        self.groups.entry(group).or_default().count(what);
    }

    /// The aggregates of the hour that began at `hour`.
    pub(crate) fn report(&self, hour: Timestamp) -> HourlyStats {
        let groups = self.groups.iter();
        HourlyStats {
            hour,
            groups: groups
                .map(|(group, tally)| (group.clone(), tally.clone()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn group(queue: usize, kind: usize, model: usize) -> WorkGroup {
        let name = |letter: char, number: usize| Arc::<str>::from(format!("{letter}{number}"));
        let model = format!("m{model}");
        WorkGroup::of(&name('q', queue), &name('k', kind), Some(&model))
    }

    #[test]
    fn the_first_names_keep_theirs_and_the_rest_are_other() {
        let mut names = GroupNames::default();
        for model in 0..limits::STATS_NAMES * 2 {
            let placed = names.place(group(0, 0, model));
            let other = model + 1 >= limits::STATS_NAMES;
            assert_eq!(placed.model.as_deref() == Some(limits::OTHER), other);
            assert_eq!(placed.kind.as_deref(), Some("k0"));
        }
        assert_eq!(names.place(group(0, 0, 3)), group(0, 0, 3));
    }

    #[test]
    fn a_long_model_is_cut_and_an_empty_one_is_none() {
        let name: Arc<str> = "q".into();
        let long = WorkGroup::of(&name, &name, Some(&"é".repeat(3000)));
        assert_eq!(long.model.unwrap().len(), limits::NAME_BYTES);
        assert_eq!(WorkGroup::of(&name, &name, Some("")).model, None);
    }

    proptest! {
        #[test]
        fn an_hour_is_bounded_whatever_comes_and_loses_nothing(
            all in prop::collection::vec((0..90_usize, 0..90_usize, 0..90_usize), 1..600),
        ) {
            let mut hour = GrowingHour::default();
            for (queue, kind, model) in &all {
                hour.count(group(*queue, *kind, *model), &Happening::Created(1));
            }
            let report = hour.report(Timestamp::from_millis(0));
            prop_assert!(report.groups.len() <= limits::STATS_GROUPS);
            prop_assert_eq!(report.total().created, all.len() as u64);
            let kinds: BTreeSet<_> = report.groups.iter().map(|(group, _)| &group.kind).collect();
            prop_assert!(kinds.len() <= limits::STATS_NAMES);
        }
    }
}
