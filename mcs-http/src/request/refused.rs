use crate::problem::Problem;
use mcs_core::domain::InvalidInput;

/// Why an object was not read.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Because of this field.
    Field(InvalidInput),
    /// As a whole.
    Whole(String),
}

impl Refused {
    /// The same for an object that is itself the field `parent`.
    pub(crate) fn within(self, parent: &str) -> InvalidInput {
        match self {
            Self::Field(refused) => refused.within(parent),
            Self::Whole(problem) => InvalidInput::new(parent, problem),
        }
    }
}

impl From<InvalidInput> for Refused {
    fn from(refused: InvalidInput) -> Self {
        Self::Field(refused)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Field(refused) => refused.into(),
            Refused::Whole(problem) => Self::malformed(format!("the body {problem}")),
        }
    }
}
