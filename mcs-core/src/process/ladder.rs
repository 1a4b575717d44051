use super::Signal;
use std::time::Duration;

/// How a child is brought to its end: step by step, and killed after the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder(pub Vec<Rung>);

/// One step of a [`Ladder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// What the child is told; nothing where something else told it, such as the end of its input.
    pub signal: Option<Signal>,
    /// How long it may take to end.
    pub wait: Duration,
}

impl Ladder {
    /// `SIGTERM`, and after `wait` the end.
    pub fn terminate(wait: Duration) -> Self {
        Self(vec![Rung {
            signal: Some(Signal::Terminate),
            wait,
        }])
    }

    /// The longest that it takes until what is left is killed.
    pub fn total(&self) -> Duration {
        let waits = self.0.iter().map(|rung| rung.wait);
        waits.fold(Duration::ZERO, Duration::saturating_add)
    }

    /// The same steps in at most `limit`, each with its share of it.
    pub fn within(&self, limit: Duration) -> Self {
        let total = self.total();
        if total <= limit {
            return self.clone();
        }
        let share = limit.as_secs_f64() / total.as_secs_f64();
        let rungs = self.0.iter().map(|rung| Rung {
            wait: rung.wait.mul_f64(share),
            ..*rung
        });
        Self(rungs.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_share_what_time_there_is() {
        let rung = |signal, seconds| Rung {
            signal,
            wait: Duration::from_secs(seconds),
        };
        let ladder = Ladder(vec![rung(None, 6), rung(Some(Signal::Terminate), 2)]);
        assert_eq!(ladder.total(), Duration::from_secs(8));
        assert_eq!(ladder.within(Duration::from_secs(9)), ladder);
        let halved = Ladder(vec![rung(None, 3), rung(Some(Signal::Terminate), 1)]);
        assert_eq!(ladder.within(Duration::from_secs(4)), halved);
        assert_eq!(ladder.within(Duration::ZERO).total(), Duration::ZERO);
        assert_eq!(Ladder(Vec::new()).within(Duration::ZERO).0, []);
    }
}
