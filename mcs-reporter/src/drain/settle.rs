//! What becomes of each event of a request, from what was said of it.

use super::Moment;
use super::answer::{Verdict, shown};
use super::policy::{Fate, Outcome, Policy};
use mcs_core::domain::interaction::EventOutcome;
use std::collections::HashMap;

/// What becomes of the events of one request, by their positions in it. What is in neither list goes on waiting.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    /// They arrived.
    pub(crate) delivered: Vec<usize>,
    /// How many of them had arrived before.
    pub(crate) duplicates: u64,
    /// They will never be taken, and why.
    pub(crate) dead: Vec<(usize, String)>,
    /// They arrived at nobody who said anything of them, while others did.
    pub(crate) put_off: Vec<usize>,
}

/// Takes in what came of the events named `sent`, in the order in which they were sent.
pub(crate) fn settle(
    policy: &mut Policy,
    verdict: Verdict,
    sent: &[Option<String>],
    now: Moment,
) -> Settled {
    let mut settled = match verdict.outcome {
        Outcome::Answered(1) if verdict.answers.is_empty() && sent.len() == 1 => Settled {
            delivered: vec![0],
            ..Settled::default()
        },
        Outcome::Answered(_) => by_answers(&verdict, sent),
        _ => Settled::default(),
    };
    let stuck = settled.delivered.is_empty() && settled.dead.is_empty();
    let outcome = match verdict.outcome {
        // A coordinator that takes a stand on nothing is not to be asked again at once.
        Outcome::Answered(_) if stuck => Outcome::Throttled(None),
        outcome => outcome,
    };
    if policy.sent(outcome, now) == Fate::Bury {
        settled.dead = vec![(0, verdict.why)];
    }
    if stuck {
        settled.put_off.clear();
    }
    settled
}

/// The first answer to an event counts. Answers to events that were not sent are passed over.
fn by_answers(verdict: &Verdict, sent: &[Option<String>]) -> Settled {
    let mut answers = HashMap::with_capacity(verdict.answers.len());
    for answer in &verdict.answers {
        answers.entry(answer.event_id.as_str()).or_insert(answer);
    }
    let mut settled = Settled::default();
    for (position, event_id) in sent.iter().enumerate() {
        let answer = event_id.as_deref().and_then(|id| answers.get(id));
        match answer {
            Some(answer) => match answer.status {
                EventOutcome::Stored => settled.delivered.push(position),
                EventOutcome::Duplicate => {
                    settled.delivered.push(position);
                    settled.duplicates += 1;
                }
                EventOutcome::Rejected => {
                    let why = answer.error.as_deref().unwrap_or("rejected");
                    settled.dead.push((position, shown(why)));
                }
                EventOutcome::Retry => settled.put_off.push(position),
            },
            None => settled.put_off.push(position),
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drain::policy::Condition;
    use mcs_core::domain::interaction::EventAnswer;
    use std::time::Duration;

    fn answer(event_id: &str, status: EventOutcome) -> EventAnswer {
        EventAnswer {
            event_id: event_id.to_owned(),
            status,
            error: (status == EventOutcome::Rejected).then(|| "no such tool".to_owned()),
        }
    }

    fn verdict(outcome: Outcome, answers: Vec<EventAnswer>) -> Verdict {
        Verdict {
            outcome,
            answers,
            why: "the coordinator answered 400".to_owned(),
        }
    }

    fn settle_now(policy: &mut Policy, verdict: Verdict, sent: &[&str]) -> Settled {
        let sent: Vec<_> = sent.iter().map(|&id| Some(id.to_owned())).collect();
        settle(policy, verdict, &sent, Moment::ZERO)
    }

    fn policy() -> Policy {
        Policy::new(10.0, Duration::from_secs(1), || 1.0)
    }

    #[test]
    fn each_event_has_its_own_answer_and_none_means_again() {
        let answers = vec![
            answer("d", EventOutcome::Retry),
            answer("b", EventOutcome::Rejected),
            answer("a", EventOutcome::Stored),
            answer("a", EventOutcome::Rejected),
            answer("c", EventOutcome::Duplicate),
            answer("somebody else's", EventOutcome::Stored),
        ];
        let settled = settle_now(
            &mut policy(),
            verdict(Outcome::Answered(5), answers),
            &["a", "b", "c", "d", "e"],
        );
        let expected = Settled {
            delivered: vec![0, 2],
            duplicates: 1,
            dead: vec![(1, "no such tool".to_owned())],
            put_off: vec![3, 4],
        };
        assert_eq!(settled, expected);
    }

    #[test]
    fn a_reason_is_told_without_what_harms_a_log_and_not_at_length() {
        let long = EventAnswer {
            error: Some(format!("no\r\n\u{1b}[31m{}", "é".repeat(10_000))),
            ..answer("a", EventOutcome::Rejected)
        };
        let settled = settle_now(
            &mut policy(),
            verdict(Outcome::Answered(1), vec![long]),
            &["a"],
        );
        let why = &settled.dead[0].1;
        assert!(why.starts_with("no[31mé"), "{why}");
        assert_eq!(why.chars().count(), 300);
    }

    #[test]
    fn an_answer_about_nothing_is_a_plea_for_patience() {
        let mut policy = policy();
        let nothing = verdict(Outcome::Answered(2), Vec::new());
        let settled = settle_now(&mut policy, nothing, &["a", "b"]);
        assert_eq!(settled, Settled::default());
        assert_eq!(policy.condition(Moment::ZERO), Condition::Throttling);
    }

    #[test]
    fn one_event_is_answered_by_the_status() {
        let yes = verdict(Outcome::Answered(1), Vec::new());
        let settled = settle_now(&mut policy(), yes, &["a"]);
        assert_eq!(settled.delivered, [0]);
        let no = verdict(Outcome::Invalid(1), Vec::new());
        let settled = settle_now(&mut policy(), no, &["a"]);
        assert_eq!(
            settled.dead,
            [(0, "the coordinator answered 400".to_owned())]
        );
        let later = verdict(Outcome::Failed, Vec::new());
        assert_eq!(settle_now(&mut policy(), later, &["a"]), Settled::default());
    }
}
