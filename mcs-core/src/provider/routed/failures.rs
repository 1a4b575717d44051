use super::member::moves_on;
use crate::domain::ErrorClass;
use crate::provider::ProviderError;
use std::time::Duration;

/// Why no member has answered so far.
#[derive(Debug, Default)]
pub(super) struct Failures {
    errors: Vec<(String, ProviderError)>,
    left_alone: Vec<(String, Duration)>,
}

impl Failures {
    /// A member failed.
    pub(super) fn failed(&mut self, member: &str, error: ProviderError) {
        self.errors.push((member.to_owned(), error));
    }

    /// A member was not asked because its breaker is open for so long.
    pub(super) fn left_alone(&mut self, member: &str, wait: Duration) {
        self.left_alone.push((member.to_owned(), wait));
    }

    /// What to tell of them: the one error there is, or one that names all. An error that asking again does not mend is
    /// the answer, however the members before it do. Else trying again helps where it helps with one member, and where
    /// nobody was asked it is as after a rate limit: the wait costs no attempt.
    pub(super) fn into_error(mut self, name: &str) -> ProviderError {
        if self.left_alone.is_empty() && self.errors.len() == 1 {
            return self.errors.remove(0).1;
        }
        let parts = self
            .errors
            .iter()
            .map(|(member, error)| format!("{member}: {error}"));
        let waits = self.left_alone.iter().map(|(member, wait)| {
            let seconds = wait.as_secs_f64().ceil();
            format!("{member}: left alone for {seconds} s more, because it failed before")
        });
        let all: Vec<String> = parts.chain(waits).collect();
        let message = format!("no provider of {name} has answered: {}", all.join("; "));
        // No other member is asked after it, so it is the last one.
        if let Some((_, last)) = self.errors.last()
            && !moves_on(last)
        {
            return permanent(message, last);
        }
        let mut classes = self.errors.iter().map(|(_, error)| error.class());
        let transient = classes.any(|class| class != ErrorClass::RateLimited);
        // One that did not say how long to wait may be asked any time.
        let hints = self.errors.iter().map(|(_, error)| error.retry_after());
        let waits = self.left_alone.iter().map(|(_, wait)| Some(*wait));
        let retry_after = hints.chain(waits).min().flatten();
        if transient {
            return ProviderError::Transient {
                message,
                status: None,
                request_id: None,
                retry_after,
                source: None,
            };
        }
        ProviderError::RateLimited {
            message,
            status: None,
            request_id: None,
            retry_after,
        }
    }
}

/// `error` with another message.
fn permanent(message: String, error: &ProviderError) -> ProviderError {
    ProviderError::Permanent {
        message,
        status: error.status(),
        code: error.code().map(str::to_owned),
        request_id: error.request_id().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transient(seconds: Option<u64>) -> ProviderError {
        ProviderError::Transient {
            message: "overloaded".into(),
            status: Some(529),
            request_id: None,
            retry_after: seconds.map(Duration::from_secs),
            source: None,
        }
    }

    fn limited(seconds: u64) -> ProviderError {
        ProviderError::RateLimited {
            message: "slow down".into(),
            status: Some(429),
            request_id: None,
            retry_after: Some(Duration::from_secs(seconds)),
        }
    }

    fn refused() -> ProviderError {
        ProviderError::Permanent {
            message: "bad key".into(),
            status: Some(401),
            code: Some("authentication_error".into()),
            request_id: None,
        }
    }

    fn told(errors: Vec<ProviderError>, waits: &[u64]) -> ProviderError {
        let mut failures = Failures::default();
        for (index, error) in errors.into_iter().enumerate() {
            failures.failed(&format!("p{index}"), error);
        }
        for wait in waits {
            failures.left_alone("resting", Duration::from_secs(*wait));
        }
        failures.into_error("pool")
    }

    #[test]
    fn one_error_is_told_as_it_is() {
        let error = told(vec![refused()], &[]);
        assert_eq!(
            (error.to_string().as_str(), error.status()),
            ("bad key", Some(401))
        );
    }

    #[test]
    fn several_have_the_class_that_helps_most_and_the_shortest_wait() {
        let rows = [
            (
                told(vec![transient(None), limited(9)], &[]),
                ErrorClass::Transient,
                None,
            ),
            (
                told(vec![transient(Some(3)), limited(9)], &[7]),
                ErrorClass::Transient,
                Some(3),
            ),
            (
                told(vec![limited(9), limited(4)], &[]),
                ErrorClass::RateLimited,
                Some(4),
            ),
            (told(vec![], &[8, 5]), ErrorClass::RateLimited, Some(5)),
        ];
        for (error, class, wait) in rows {
            assert_eq!(error.class(), class, "{error}");
            assert_eq!(
                error.retry_after(),
                wait.map(Duration::from_secs),
                "{error}"
            );
        }
    }

    #[test]
    fn what_asking_again_does_not_mend_is_the_answer_whatever_the_others_do() {
        let rows: [(Vec<ProviderError>, &[u64]); 6] = [
            (vec![], &[]),
            (vec![], &[8]),
            (vec![limited(9)], &[]),
            (vec![limited(9)], &[8]),
            (vec![transient(None)], &[]),
            (vec![transient(Some(3)), limited(9)], &[8]),
        ];
        for (mut errors, waits) in rows {
            errors.push(refused());
            let error = told(errors, waits);
            assert_eq!(error.class(), ErrorClass::Permanent, "{error}");
            assert_eq!(error.retry_after(), None, "{error}");
            let told = (error.status(), error.code());
            assert_eq!(told, (Some(401), Some("authentication_error")), "{error}");
        }
        let error = told(vec![transient(None), refused()], &[8]).to_string();
        for part in [
            "pool",
            "p0: overloaded",
            "p1: bad key",
            "resting: left alone for 8 s",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
}
