//! Completion of the arguments of prompts and of the variables of templates.

use crate::call::Call;
use crate::refusal::Refusal;
use crate::{prompts, resources};
use mcs_core::domain::{PageRequest, Status, TaskFilter, limits};
use mcs_core::schema::{nearest, shortened};
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, ErrorData, Reference};
use std::collections::BTreeSet;

/// What there is to choose from.
struct Choice {
    values: Vec<String>,
    /// Whether there is more than was looked at.
    more: bool,
}

impl From<Vec<String>> for Choice {
    fn from(values: Vec<String>) -> Self {
        Self {
            values,
            more: false,
        }
    }
}

/// What a value that was begun may become. What begins like it comes first, then what has it elsewhere.
pub(crate) async fn complete(
    request: &CompleteRequestParams,
    call: &Call<'_>,
) -> Result<CompleteResult, ErrorData> {
    let argument = &request.argument;
    check(&request.r#ref, &argument.name)?;
    let choice = choice(&argument.name, call).await;
    let choice = choice.map_err(Refusal::into_protocol_error)?;
    let mut values = matching(choice.values, &argument.value);
    let total = u32::try_from(values.len()).ok().filter(|_| !choice.more);
    let more = choice.more || values.len() > CompletionInfo::MAX_VALUES;
    values.truncate(CompletionInfo::MAX_VALUES);
    let completion = CompletionInfo::with_pagination(values, total, more);
    let completion = completion.map_err(|error| ErrorData::internal_error(error, None))?;
    Ok(CompleteResult::new(completion))
}

/// Refuses prompts, templates and arguments that do not exist.
fn check(reference: &Reference, argument: &str) -> Result<(), ErrorData> {
    let (of, known) = match reference {
        Reference::Prompt(prompt) => (&prompt.name, prompts::arguments_of(&prompt.name)?),
        Reference::Resource(template) => (&template.uri, resources::variables_of(&template.uri)?),
        other => {
            let message = format!(
                "Nothing of {} is completed; arguments of prompts and variables of resource templates are",
                shortened(other.reference_type())
            );
            return Err(ErrorData::invalid_params(message, None));
        }
    };
    if known.contains(&argument) {
        return Ok(());
    }
    let (argument, of) = (shortened(argument), shortened(of));
    let message = match nearest(&argument, known.iter().copied()) {
        Some(near) => format!("{of} takes no {argument}; did you mean {near}?"),
        None => format!("{of} takes no {argument}; it takes {}", known.join(", ")),
    };
    Err(ErrorData::invalid_params(message, None))
}

/// An argument means the same wherever it is taken. Numbers are not completed.
async fn choice(argument: &str, call: &Call<'_>) -> Result<Choice, Refusal> {
    Ok(match argument {
        "id" | "task_id" => task_ids(call).await?,
        "status" => names(Status::ALL.map(Status::as_str)).into(),
        "kind" => {
            let kinds = call.service().kinds();
            names(kinds.iter().map(|kind| &*kind.name)).into()
        }
        "queue" => queues(call).await?.into(),
        "tag" => tags(call).await?,
        "model" => {
            let models = call.service().models();
            let known: BTreeSet<&str> = models.iter().map(|model| &*model.id).collect();
            names(known).into()
        }
        "part" => names(crate::view::Part::NAMES).into(),
        _ => Vec::new().into(),
    })
}

/// The caller's own tasks, newest first.
async fn task_ids(call: &Call<'_>) -> Result<Choice, Refusal> {
    let (tasks, more) = recent(call).await?;
    Ok(Choice {
        values: tasks.iter().map(|task| task.id.to_string()).collect(),
        more,
    })
}

/// The tags of the caller's latest tasks.
async fn tags(call: &Call<'_>) -> Result<Choice, Refusal> {
    let (tasks, more) = recent(call).await?;
    let tags: BTreeSet<&String> = tasks.iter().flat_map(|task| &task.tags).collect();
    Ok(Choice {
        values: tags.into_iter().cloned().collect(),
        more,
    })
}

/// The queues that are served here or were changed, and those of the caller's latest tasks.
async fn queues(call: &Call<'_>) -> Result<Vec<String>, Refusal> {
    let overview = call.queues().overview(call.principal()).await?;
    Ok(names(overview.iter().map(|queue| &*queue.name)))
}

async fn recent(call: &Call<'_>) -> Result<(Vec<mcs_core::domain::Task>, bool), Refusal> {
    let filter = TaskFilter {
        owner: Some(call.principal().owner().to_string()),
        ..TaskFilter::default()
    };
    let page = PageRequest::first(limits::PAGE_ROWS);
    let page = call.tasks().list(call.principal(), filter, page).await?;
    Ok((page.items, page.next.is_some()))
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().map(ToOwned::to_owned).collect()
}

fn matching(values: Vec<String>, begun: &str) -> Vec<String> {
    let begun = begun.trim().to_lowercase();
    let rank = |value: &String| {
        let value = value.to_lowercase();
        if value.starts_with(&begun) {
            Some(0)
        } else {
            value.contains(&begun).then_some(1)
        }
    };
    let mut ranked: Vec<(u8, String)> = values
        .into_iter()
        .filter_map(|value| Some((rank(&value)?, value)))
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_the_value_comes_first() {
        let values = names(["INPUT_REQUIRED", "PENDING", "COMPLETED", "FAILED"]);
        assert_eq!(
            matching(values.clone(), "ed"),
            ["INPUT_REQUIRED", "COMPLETED", "FAILED"]
        );
        assert_eq!(
            matching(values.clone(), " p"),
            ["PENDING", "INPUT_REQUIRED", "COMPLETED"]
        );
        assert_eq!(matching(values.clone(), ""), values);
        assert!(matching(values, "x").is_empty());
    }
}
