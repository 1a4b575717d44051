//! Which of the candidates of a queue a claim takes.

use super::names::Key;
use crate::domain::{Timestamp, limits};
use std::collections::VecDeque;
use std::rc::Rc;

/// Candidates of one lane and one priority, those first that are due the longest. Whatever is taken of them is taken from
/// the front, by priority as well as by age, so that both orders share one queue.
#[derive(Debug)]
pub(super) struct Stream {
    /// The demands of the claim that want its lane, in the order in which their slots are used up.
    pub(super) demands: Rc<[usize]>,
    pub(super) priority: u8,
    pub(super) waiting: VecDeque<(Timestamp, Key)>,
}

/// Takes up to `wanted` candidates, no more for a demand than it has slots. `claimed` is how many tasks were ever claimed of
/// the queue: every sixteenth goes by age.
pub(super) fn pick(
    streams: &mut [Stream],
    slots: &mut [usize],
    wanted: usize,
    claimed: u64,
) -> Vec<Key> {
    let mut picked = Vec::with_capacity(wanted);
    for number in (claimed + 1..).take(wanted) {
        let open = streams.iter_mut().filter_map(|stream| {
            let slot = stream
                .demands
                .iter()
                .copied()
                .find(|demand| slots[*demand] > 0)?;
            (!stream.waiting.is_empty()).then_some((stream, slot))
        });
        let by_age = number % limits::AGE_CLAIM_EVERY == 0;
        // Fronts compare by due time, then by age; only a claim by priority looks at the priority first.
        let best = open.min_by_key(|(stream, _)| {
            let rank = if by_age { 0 } else { u8::MAX - stream.priority };
            (rank, stream.waiting.front().copied())
        });
        let Some((stream, slot)) = best else { break };
        slots[slot] -= 1;
        picked.extend(stream.waiting.pop_front().map(|(_, key)| key));
    }
    picked
}

/// How many of the next `wanted` claims of a queue go by age.
pub(super) const fn age_picks(wanted: usize, claimed: u64) -> usize {
    let last = claimed + wanted as u64;
    #[expect(clippy::cast_possible_truncation, reason = "no more than `wanted`")]
    let picks = (last / limits::AGE_CLAIM_EVERY - claimed / limits::AGE_CLAIM_EVERY) as usize;
    picks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(demand: usize, priority: u8, due: &[(i64, Key)]) -> Stream {
        let waiting = due
            .iter()
            .map(|(at, key)| (Timestamp::from_millis(*at), *key))
            .collect();
        Stream {
            demands: [demand].into(),
            priority,
            waiting,
        }
    }

    #[test]
    fn priority_then_due_then_age_over_all_lanes() {
        let mut streams = [
            stream(0, 5, &[(1, 1), (9, 7)]),
            stream(1, 5, &[(1, 2), (5, 3)]),
            stream(1, 8, &[(9, 9)]),
        ];
        assert_eq!(pick(&mut streams, &mut [9, 9], 9, 0), [9, 1, 2, 3, 7]);
    }

    #[test]
    fn a_lane_without_slots_is_passed_over() {
        let mut streams = [stream(0, 9, &[(1, 1), (2, 2)]), stream(1, 5, &[(3, 3)])];
        assert_eq!(pick(&mut streams, &mut [1, 1], 9, 0), [1, 3]);
    }

    #[test]
    fn every_sixteenth_is_the_oldest() {
        let mut streams = [
            stream(0, 9, &[(50, 50), (51, 51), (52, 52)]),
            stream(0, 1, &[(1, 1), (2, 2)]),
        ];
        assert_eq!(pick(&mut streams, &mut [9], 3, 14), [50, 1, 51]);
        assert_eq!(
            (
                age_picks(3, 14),
                age_picks(16, 0),
                age_picks(50, 0),
                age_picks(1, 0)
            ),
            (1, 1, 3, 0)
        );
    }
}
