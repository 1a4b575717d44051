use crate::places::Full;
use mcs_core::domain::InvalidInput;
use mcs_core::service::ServiceError;
use rmcp::model::{CallToolResult, ContentBlock, ErrorData};

/// Why a call did nothing, and what its caller does next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The arguments are wrong.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// The service said no.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The answer could not be written as JSON.
    #[error("the answer cannot be shown: {0}")]
    Unprintable(#[from] serde_json::Error),
    /// More is under way than the server takes at a time.
    #[error(transparent)]
    Busy(#[from] Full),
    /// The user was to be asked first, and could not be.
    #[error("the client did not ask its user: {0}")]
    Unasked(String),
}

impl Refusal {
    /// The refusal as the result of `tool`: its reader is a model, and models do not see protocol errors.
    pub(crate) fn into_result(self, tool: &str) -> CallToolResult {
        if self.is_failure() {
            tracing::error!(error = %self, tool, "a call failed");
        }
        let (told, next) = (self.told(), self.next_step(tool));
        CallToolResult::error(vec![ContentBlock::text(format!("{told}. {next}"))])
    }

    /// Whether it is the server that failed, which whoever runs it should know.
    const fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Unprintable(_)
                | Self::Service(
                    ServiceError::Store(_)
                        | ServiceError::UnreadableResult { .. }
                        | ServiceError::Randomness(_)
                )
        )
    }

    /// What the caller reads of it.
    fn told(&self) -> String {
        match self {
            Self::Service(ServiceError::Store(error)) => error.public(),
            other => other.to_string(),
        }
    }

    /// The refusal as a protocol error, for resources and prompts, which have no results of their own for it.
    pub(crate) fn into_protocol_error(self) -> ErrorData {
        match self {
            Self::Invalid(_)
            | Self::Service(ServiceError::NotFound(_) | ServiceError::Invalid(_)) => {
                ErrorData::invalid_params(self.to_string(), None)
            }
            Self::Service(ServiceError::Forbidden { .. }) | Self::Busy(_) => {
                ErrorData::invalid_request(self.to_string(), None)
            }
            Self::Service(_) | Self::Unprintable(_) | Self::Unasked(_) => {
                tracing::error!(error = %self, "a request failed");
                ErrorData::internal_error(self.told(), None)
            }
        }
    }

    fn next_step(&self, tool: &str) -> String {
        match self {
            Self::Invalid(_) | Self::Service(ServiceError::Invalid(_)) => {
                format!("Correct it and call {tool} again; nothing was changed.")
            }
            Self::Service(ServiceError::NotFound(_)) => {
                "Call list_tasks, or check the task_id.".to_owned()
            }
            Self::Service(ServiceError::Store(_)) => {
                "Tell the user: the server's store needs attention.".to_owned()
            }
            Self::Service(_) | Self::Unasked(_) => "Nothing was changed.".to_owned(),
            Self::Unprintable(_) => "Tell the user: a stored value is damaged.".to_owned(),
            Self::Busy(_) => format!("Nothing was changed; call {tool} again then."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcs_core::store::StoreError;

    #[test]
    fn files_of_the_server_are_not_named() {
        let full = || {
            Refusal::Service(ServiceError::Store(StoreError::Full {
                path: "/var/lib/mcs.db".into(),
                source: "no space on /dev/sda".into(),
            }))
        };
        let result = serde_json::to_string(&full().into_result("create_task")).unwrap();
        let error = full().into_protocol_error().message;
        for told in [&*result, &*error] {
            assert!(told.contains("disk is full"), "{told}");
            assert!(!told.contains("/var") && !told.contains("/dev"), "{told}");
        }
    }
}
