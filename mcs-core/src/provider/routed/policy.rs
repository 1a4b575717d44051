use crate::provider::CompletionRequest;
use crate::provider::models::Price;
use serde::Deserialize;
use std::time::Duration;
use tokio::time::Instant;

/// In which order members are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// In the order of the configuration.
    #[default]
    InOrder,
    /// Each one first in turn.
    RoundRobin,
    /// The one that began to answer soonest of late first. One that was not asked for five minutes is asked again, so
    /// that a slow moment does not last.
    LowestLatency,
    /// The cheapest first, by the table of models. One without a price comes last.
    LowestCost,
}

/// What is known of a member when the order is made.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    pub(super) latency: Latency,
    pub(super) price: Option<Price>,
}

/// The places of `members` in the order in which `policy` asks them. `turn` counts the calls so far.
pub(super) fn order(
    policy: Policy,
    members: &[Standing],
    turn: usize,
    request: &CompletionRequest,
    now: Instant,
) -> Vec<usize> {
    let mut places: Vec<usize> = (0..members.len()).collect();
    match policy {
        Policy::InOrder => {}
        Policy::RoundRobin if places.is_empty() => {}
        Policy::RoundRobin => {
            let first = turn % places.len();
            places.rotate_left(first);
        }
        Policy::LowestLatency => {
            places.sort_by_key(|place| members[*place].latency.recent(now));
        }
        Policy::LowestCost => places.sort_by(|a, b| {
            let [a, b] = [a, b].map(|place| cost(members[*place].price, request));
            a.total_cmp(&b)
        }),
    }
    places
}

/// About what the answer will cost, to compare it with others. An answer whose length nobody has limited is taken to
/// have a thousand tokens.
fn cost(price: Option<Price>, request: &CompletionRequest) -> f64 {
    const BYTES_PER_TOKEN: usize = 4;
    const ANSWER_TOKENS: u64 = 1000;
    let Some(price) = price else {
        return f64::INFINITY;
    };
    let text = request.prompt.len() + request.system.as_ref().map_or(0, String::len);
    price.cost(&crate::domain::Usage {
        input_tokens: (text / BYTES_PER_TOKEN) as u64,
        output_tokens: request.limit_or(ANSWER_TOKENS),
        ..crate::domain::Usage::default()
    })
}

/// How long a member took to begin its answers of late.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Latency {
    average: Duration,
    measured_at: Option<Instant>,
}

impl Latency {
    /// How long a measurement counts.
    const COUNTS_FOR: Duration = Duration::from_mins(5);
    /// Of the average, the latest measurement is one part in this many.
    const PARTS: u32 = 4;

    /// Adds a measurement.
    pub(super) fn measure(&mut self, took: Duration, now: Instant) {
        self.average = match self.recent(now) {
            None => took,
            Some(average) => (average * (Self::PARTS - 1) + took) / Self::PARTS,
        };
        self.measured_at = Some(now);
    }

    /// The average, if it is not too old. What is not known comes before all that is, so that it becomes known.
    fn recent(&self, now: Instant) -> Option<Duration> {
        let age = now.saturating_duration_since(self.measured_at?);
        (age < Self::COUNTS_FOR).then_some(self.average)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(policy: Policy, members: &[Standing], turn: usize) -> Vec<usize> {
        let request = CompletionRequest {
            prompt: "x".repeat(4000),
            ..CompletionRequest::default()
        };
        order(policy, members, turn, &request, Instant::now())
    }

    #[test]
    fn turns_go_round() {
        let three = [Standing::default(); 3];
        assert_eq!(ordered(Policy::InOrder, &three, 2), [0, 1, 2]);
        assert_eq!(ordered(Policy::RoundRobin, &three, 0), [0, 1, 2]);
        assert_eq!(ordered(Policy::RoundRobin, &three, 2), [2, 0, 1]);
        assert_eq!(ordered(Policy::RoundRobin, &three, 4), [1, 2, 0]);
        assert!(ordered(Policy::RoundRobin, &[], 1).is_empty());
    }

    #[test]
    fn the_cheapest_comes_first_and_the_unknown_last() {
        let costs = |input, output| Standing {
            price: Some(Price {
                input,
                cached_input: input,
                output,
            }),
            ..Standing::default()
        };
        let members = [Standing::default(), costs(1.0, 9.0), costs(4.0, 5.0)];
        assert_eq!(ordered(Policy::LowestCost, &members, 0), [2, 1, 0]);
    }

    #[test]
    fn the_quickest_of_late_comes_first_once_all_are_known() {
        let now = Instant::now();
        let took = |millis| {
            let mut latency = Latency::default();
            latency.measure(Duration::from_millis(millis), now);
            Standing {
                latency,
                ..Standing::default()
            }
        };
        let members = [took(300), took(100), Standing::default(), took(200)];
        assert_eq!(ordered(Policy::LowestLatency, &members, 0), [2, 1, 3, 0]);
        let later = now + Latency::COUNTS_FOR;
        let forgotten = order(
            Policy::LowestLatency,
            &members,
            0,
            &CompletionRequest::default(),
            later,
        );
        assert_eq!(forgotten, [0, 1, 2, 3]);
    }

    #[test]
    fn an_average_follows_what_is_measured() {
        let now = Instant::now();
        let mut latency = Latency::default();
        latency.measure(Duration::from_millis(100), now);
        latency.measure(Duration::from_millis(500), now);
        assert_eq!(latency.recent(now), Some(Duration::from_millis(200)));
    }
}
