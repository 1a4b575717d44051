use crate::domain::ErrorClass;
use crate::executor::ExecuteError;
use crate::provider::CompletionRequest;
use crate::provider::models::Price;

/// How many bytes of text make a token, about. Only the API counts exactly, and only afterwards.
const BYTES_PER_TOKEN: usize = 4;

/// What is left of a budget for one call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Budget {
    /// What the task may cost.
    pub(super) total: f64,
    /// What earlier attempts cost.
    pub(super) spent: f64,
}

impl Budget {
    /// Fails when everything is spent.
    pub(super) fn check(self) -> Result<(), ExecuteError> {
        if self.spent < self.total {
            return Ok(());
        }
        Err(self.exceeded("nothing is left for another attempt"))
    }

    /// Most tokens that the answer to `request` may have for what is left. `None` where output is free; fails when
    /// not even the question can be paid.
    pub(super) fn most_tokens(
        self,
        request: &CompletionRequest,
        price: Price,
    ) -> Result<Option<u64>, ExecuteError> {
        let text = request.prompt.len() + request.system.as_ref().map_or(0, String::len);
        #[expect(
            clippy::cast_precision_loss,
            reason = "texts have less than 2^53 bytes"
        )]
        let question = text.div_ceil(BYTES_PER_TOKEN) as f64 * price.input / Price::UNIT;
        let left = self.total - self.spent - question;
        if left < 0.0 {
            return Err(self.exceeded(&format!("the prompt alone costs about {question:.6}")));
        }
        if price.output <= 0.0 {
            return Ok(None);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast from float saturates"
        )]
        let tokens = (left * Price::UNIT / price.output) as u64;
        match tokens {
            0 => Err(self.exceeded("what is left does not pay for an answer")),
            tokens => Ok(Some(tokens)),
        }
    }

    fn exceeded(self, why: &str) -> ExecuteError {
        let message = format!(
            "the task's budget of {} USD does not allow another call: {:.6} USD are spent and {why}; create it again with \
             a larger budget_usd",
            self.total, self.spent
        );
        ExecuteError::new(ErrorClass::Budget, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price = Price {
        input: 1.0,
        cached_input: 1.0,
        output: 10.0,
    };

    fn asks(bytes: usize) -> CompletionRequest {
        CompletionRequest {
            prompt: "x".repeat(bytes),
            ..CompletionRequest::default()
        }
    }

    #[test]
    fn what_is_left_after_the_question_pays_for_the_answer() {
        let budget = Budget {
            total: 0.003,
            spent: 0.001,
        };
        // A thousand tokens of question cost 0.001.
        assert_eq!(budget.most_tokens(&asks(4000), PRICE).unwrap(), Some(100));
        let free = Price {
            output: 0.0,
            ..PRICE
        };
        assert_eq!(budget.most_tokens(&asks(4000), free).unwrap(), None);
    }

    #[test]
    fn without_enough_left_there_is_no_call() {
        let spent = Budget {
            total: 1.0,
            spent: 1.0,
        };
        assert_eq!(spent.check().unwrap_err().class, ErrorClass::Budget);
        let little = Budget {
            total: 0.000_001,
            spent: 0.0,
        };
        little.check().unwrap();
        for bytes in [4000, 1] {
            let error = little.most_tokens(&asks(bytes), PRICE).unwrap_err();
            assert_eq!(error.class, ErrorClass::Budget);
            assert!(error.message.contains("budget_usd"), "{error}");
        }
    }
}
