use crate::domain::Usage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a session used of one model.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ModelUsage {
    /// Tokens read, those from and into the cache included.
    pub(crate) input_tokens: u64,
    /// Of the tokens read, those that came from the cache.
    pub(crate) cached_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) cost_usd: f64,
}

impl ModelUsage {
    /// Figure by figure, what is here and not in `other`.
    pub(crate) fn less(&self, other: &Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_sub(other.input_tokens),
            cached_tokens: self.cached_tokens.saturating_sub(other.cached_tokens),
            output_tokens: self.output_tokens.saturating_sub(other.output_tokens),
            cost_usd: cents(self.cost_usd - other.cost_usd),
        }
    }

    fn at_most(&self, other: &Self) -> Self {
        Self {
            input_tokens: self.input_tokens.min(other.input_tokens),
            cached_tokens: self.cached_tokens.min(other.cached_tokens),
            output_tokens: self.output_tokens.min(other.output_tokens),
            cost_usd: self.cost_usd.min(other.cost_usd),
        }
    }
}

/// What a session used since it began. The program carries it on when a session is resumed or forked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Totals {
    pub(crate) cost_usd: f64,
    pub(crate) models: BTreeMap<String, ModelUsage>,
}

impl Totals {
    /// What was there before `models` of it were used.
    pub(crate) fn before(&self, models: &BTreeMap<String, ModelUsage>) -> Self {
        let cost: f64 = models.values().map(|model| model.cost_usd).sum();
        let before = |(name, total): (&String, &ModelUsage)| {
            let since = models.get(name).copied().unwrap_or_default();
            (name.clone(), total.less(&since))
        };
        Self {
            cost_usd: cents(self.cost_usd - cost),
            models: self.models.iter().map(before).collect(),
        }
    }

    /// The tokens of all models, and the cost as the program counts it.
    pub(crate) fn sum(&self) -> Usage {
        let mut sum = Usage::default();
        for model in self.models.values() {
            sum += Usage {
                input_tokens: model.input_tokens,
                cached_tokens: model.cached_tokens,
                output_tokens: model.output_tokens,
                ..Usage::default()
            };
        }
        sum.cost_usd = self.cost_usd;
        sum.bounded()
    }
}

/// What of a session's totals is not the task's: what the session had used before the task resumed it. Negative where the
/// task had used something before the session began.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Base {
    pub(crate) cost_usd: f64,
    pub(crate) input_tokens: i64,
    pub(crate) cached_tokens: i64,
    pub(crate) output_tokens: i64,
    /// The same by model, where it is known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) models: BTreeMap<String, ModelUsage>,
}

impl Base {
    /// The base of a task that resumes a session with these totals.
    pub(crate) fn of_session(totals: &Totals) -> Self {
        let sum = totals.sum();
        Self {
            cost_usd: sum.cost_usd,
            input_tokens: signed(sum.input_tokens),
            cached_tokens: signed(sum.cached_tokens),
            output_tokens: signed(sum.output_tokens),
            models: totals.models.clone(),
        }
    }

    /// The base of a new session for a task that used something before.
    pub(crate) fn after(settled: &Usage) -> Self {
        let settled = settled.bounded();
        Self {
            cost_usd: 0.0 - settled.cost_usd,
            input_tokens: -signed(settled.input_tokens),
            cached_tokens: -signed(settled.cached_tokens),
            output_tokens: -signed(settled.output_tokens),
            models: BTreeMap::new(),
        }
    }

    /// Takes note of what the session had used when a process began in it, as the process says, while `settled` was stored
    /// of the task. The session may have lost something: it keeps nothing of a process that was killed, not even what that
    /// one took over of another session. And where it `begins` here, all that it has is from elsewhere.
    pub(crate) fn carried(&mut self, carried: &Totals, settled: &Usage, begins: bool) {
        let (has, mut right) = (carried.sum(), Self::after(settled));
        right.cost_usd += has.cost_usd;
        right.input_tokens = right.input_tokens.saturating_add_unsigned(has.input_tokens);
        right.cached_tokens = right
            .cached_tokens
            .saturating_add_unsigned(has.cached_tokens);
        right.output_tokens = right
            .output_tokens
            .saturating_add_unsigned(has.output_tokens);
        right.models.clone_from(&carried.models);
        if begins {
            *self = right;
            return;
        }
        // What it has beyond what is known of is the task's own: that of a process nobody could ask.
        self.cost_usd = self.cost_usd.min(right.cost_usd);
        self.input_tokens = self.input_tokens.min(right.input_tokens);
        self.cached_tokens = self.cached_tokens.min(right.cached_tokens);
        self.output_tokens = self.output_tokens.min(right.output_tokens);
        for (name, base) in &mut self.models {
            let has = carried.models.get(name).copied().unwrap_or_default();
            *base = base.at_most(&has);
        }
    }

    /// Takes note of usage that is stored of the task and that the session never heard of, as that of a process which was
    /// killed: the session's totals will not have it, so nothing is to be taken off them for it. Store the base before
    /// the attempt ends.
    pub(crate) fn forget(&mut self, unheard: &Usage) {
        let unheard = unheard.bounded();
        self.cost_usd -= unheard.cost_usd;
        self.input_tokens = self
            .input_tokens
            .saturating_sub_unsigned(unheard.input_tokens);
        self.cached_tokens = self
            .cached_tokens
            .saturating_sub_unsigned(unheard.cached_tokens);
        self.output_tokens = self
            .output_tokens
            .saturating_sub_unsigned(unheard.output_tokens);
    }

    /// What of a session's totals the task used, over all of its attempts.
    pub(crate) fn of_task(&self, totals: &Totals) -> Usage {
        let sum = totals.sum();
        Usage {
            input_tokens: less(sum.input_tokens, self.input_tokens),
            cached_tokens: less(sum.cached_tokens, self.cached_tokens),
            output_tokens: less(sum.output_tokens, self.output_tokens),
            cost_usd: sum.cost_usd - self.cost_usd,
            duration_ms: 0,
        }
        .bounded()
    }

    /// What of a session's totals this attempt used, when `settled` was stored of the attempts before. Never negative.
    pub(crate) fn of_attempt(&self, totals: &Totals, settled: &Usage) -> Usage {
        let (task, settled) = (self.of_task(totals), settled.bounded());
        Usage {
            input_tokens: task.input_tokens.saturating_sub(settled.input_tokens),
            cached_tokens: task.cached_tokens.saturating_sub(settled.cached_tokens),
            output_tokens: task.output_tokens.saturating_sub(settled.output_tokens),
            cost_usd: cents(task.cost_usd - settled.cost_usd),
            duration_ms: 0,
        }
        .bounded()
    }

    /// What of a session's totals the task used of each model.
    pub(crate) fn of_models(&self, totals: &Totals) -> BTreeMap<String, ModelUsage> {
        let less = |(name, now): (&String, &ModelUsage)| {
            let before = self.models.get(name).copied().unwrap_or_default();
            let used = now.less(&before);
            (used != ModelUsage::default()).then(|| (name.clone(), used))
        };
        totals.models.iter().filter_map(less).collect()
    }
}

/// `total` less what does not belong to it, between zero and what fits.
fn less(total: u64, base: i64) -> u64 {
    if base < 0 {
        total.saturating_add(base.unsigned_abs())
    } else {
        total.saturating_sub(base.unsigned_abs())
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A difference of costs without what the subtraction of two floats leaves behind: a hundred millionth of a cent counts.
pub(crate) fn cents(difference: f64) -> f64 {
    const PER_DOLLAR: f64 = 1e10;
    let rounded = (difference * PER_DOLLAR).round() / PER_DOLLAR;
    rounded.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(cost_usd: f64, input_tokens: u64, output_tokens: u64) -> Totals {
        let model = ModelUsage {
            input_tokens,
            cached_tokens: input_tokens / 2,
            output_tokens,
            cost_usd,
        };
        Totals {
            cost_usd,
            models: BTreeMap::from([("m".to_owned(), model)]),
        }
    }

    fn figures(usage: Usage) -> (f64, u64, u64, u64) {
        (
            usage.cost_usd,
            usage.input_tokens,
            usage.cached_tokens,
            usage.output_tokens,
        )
    }

    #[test]
    fn what_a_session_used_before_is_not_the_tasks() {
        let base = Base::of_session(&totals(0.5, 100, 10));
        let now = totals(0.7, 160, 14);
        let none = Usage::default();
        assert_eq!(figures(base.of_attempt(&now, &none)), (0.2, 60, 30, 4));
        let settled = base.of_attempt(&totals(0.6, 120, 11), &none);
        assert_eq!(figures(base.of_attempt(&now, &settled)), (0.1, 40, 20, 3));
        let more = ModelUsage {
            input_tokens: 60,
            cached_tokens: 30,
            output_tokens: 4,
            cost_usd: 0.2,
        };
        assert_eq!(
            base.of_models(&now),
            BTreeMap::from([("m".to_owned(), more)])
        );
        assert_eq!(base.of_models(&totals(0.5, 100, 10)), BTreeMap::new());
    }

    #[test]
    fn a_new_session_takes_nothing_back_of_what_was_settled() {
        let settled = Usage {
            cost_usd: 0.3,
            input_tokens: 50,
            cached_tokens: 20,
            output_tokens: 5,
            duration_ms: 9,
        };
        let base = Base::after(&settled);
        let now = totals(0.2, 10, 2);
        assert_eq!(figures(base.of_attempt(&now, &settled)), (0.2, 10, 5, 2));
        assert_eq!(figures(base.of_task(&now)), (0.5, 60, 25, 7));
    }

    #[test]
    fn what_the_session_never_heard_of_is_not_taken_off_its_totals() {
        let mut base = Base::of_session(&totals(0.5, 100, 10));
        let killed = Usage {
            cost_usd: 0.25,
            input_tokens: 40,
            cached_tokens: 20,
            output_tokens: 4,
            duration_ms: 0,
        };
        base.forget(&killed);
        let now = totals(0.75, 160, 14);
        assert_eq!(figures(base.of_attempt(&now, &killed)), (0.25, 60, 30, 4));
        assert_eq!(figures(base.of_task(&now)), (0.5, 100, 50, 8));
    }

    #[test]
    fn what_the_session_lost_is_not_taken_off_either() {
        // A session that went on from one of 5 dollars, of which a process was killed that had used 0.25.
        let mut base = Base::of_session(&totals(5.0, 1000, 100));
        let settled = Usage {
            cost_usd: 0.25,
            input_tokens: 40,
            cached_tokens: 20,
            output_tokens: 4,
            duration_ms: 0,
        };
        base.forget(&settled);
        let since = totals(4.0, 500, 50);
        let carried = since.before(&since.models);
        assert_eq!(carried.sum(), Usage::default());
        base.carried(&carried, &settled, false);
        assert_eq!(
            figures(base.of_attempt(&since, &settled)),
            (4.0, 500, 250, 50)
        );
        assert_eq!(figures(base.of_task(&since)), (4.25, 540, 270, 54));
        assert_eq!(base.of_models(&since), since.models);
    }

    #[test]
    fn what_the_session_has_beyond_what_is_known_is_the_tasks_unless_it_begins() {
        let none = Usage::default();
        let now = totals(1.0, 100, 10);
        // A process of the task of which nobody heard the end used 0.5.
        let mut base = Base::of_session(&totals(0.25, 10, 1));
        base.carried(&totals(0.75, 60, 6), &none, false);
        assert_eq!(figures(base.of_attempt(&now, &none)), (0.75, 90, 45, 9));
        // The session that this one goes on from had used more than its task knew.
        let mut base = Base::of_session(&totals(0.25, 10, 1));
        base.carried(&totals(0.75, 60, 6), &none, true);
        assert_eq!(figures(base.of_attempt(&now, &none)), (0.25, 40, 20, 4));
    }

    #[test]
    fn totals_that_shrink_or_make_no_sense_cost_nothing() {
        let base = Base::of_session(&totals(0.5, 100, 10));
        assert!(
            base.of_attempt(&totals(0.1, 1, 1), &Usage::default())
                .is_zero()
        );
        let absurd = totals(f64::NAN, u64::MAX, u64::MAX);
        let usage = base.of_attempt(&absurd, &Usage::default());
        assert_eq!(usage, usage.bounded());
        let text = serde_json::to_string(&base).unwrap();
        assert_eq!(serde_json::from_str::<Base>(&text).unwrap(), base);
        assert_eq!(serde_json::from_str::<Base>("{}").unwrap(), Base::default());
    }
}
