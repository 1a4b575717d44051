use super::{Principal, Scope, ServiceError, Tasks};
use crate::domain::{
    Approval, ApprovalAnswer, InputRequest, InvalidInput, Json, Task, TaskId, check_name,
};
use crate::store::{AppendReply, Parts};

impl Tasks<'_> {
    /// Answers a question of a task. Without a `key` it answers the one that is waited for. A question of an earlier attempt
    /// that is named may be answered too: the current one may be about to ask it again. An [`Approval`] takes an
    /// [`ApprovalAnswer`] and nothing else; any other question takes any JSON. Returns the question with its answer.
    pub async fn respond(
        &self,
        who: &Principal,
        id: TaskId,
        key: Option<&str>,
        response: Json,
    ) -> Result<InputRequest, ServiceError> {
        let mut task = self.find(who, Scope::Write, id, Parts::NONE).await?;
        if task.status.is_terminal() {
            return Err(ended(&task));
        }
        let asked = question(&task, key)?;
        let mut asked = task.input_requests.swap_remove(asked);
        if Approval::of(&asked.request).is_some() {
            ApprovalAnswer::parse(&response)?;
        }
        let engine = self.service.engine();
        match engine.answer(id, &asked.key, response.clone()).await? {
            AppendReply::Stored => {
                asked.response = Some(response);
                Ok(asked)
            }
            AppendReply::Missing => Err(ServiceError::NotFound(id)),
            AppendReply::KeyRefused | AppendReply::TooMany => Err(answered(id, &asked.key)),
            AppendReply::Stale => {
                let task = self.find(who, Scope::Write, id, Parts::NONE).await?;
                Err(ended(&task))
            }
        }
    }
}

/// The place of the question that is meant.
fn question(task: &Task, key: Option<&str>) -> Result<usize, ServiceError> {
    let current = task.lease.as_ref().map(|lease| lease.number);
    let places = |current| -> Vec<usize> {
        let questions = task.input_requests.iter().enumerate();
        let open = questions.filter(|(_, asked)| asked.is_open(current));
        open.map(|(place, _)| place).collect()
    };
    let mut all_open = places(current);
    if all_open.is_empty() {
        all_open = places(None);
    }
    let names = || {
        let names = all_open
            .iter()
            .map(|place| format!("`{}`", task.input_requests[*place].key));
        names.collect::<Vec<_>>().join(", ")
    };
    let Some(key) = key else {
        return match all_open[..] {
            [only] => Ok(only),
            [] => Err(nothing_open(task)),
            _ => {
                let problem = format!(
                    "is missing, and {} questions are open; name one of {}",
                    all_open.len(),
                    names()
                );
                Err(InvalidInput::new("key", problem).into())
            }
        };
    };
    check_name("key", key)?;
    let place = task
        .input_requests
        .iter()
        .position(|asked| asked.key == key);
    match place {
        Some(place) if task.input_requests[place].response.is_none() => Ok(place),
        Some(_) => Err(answered(task.id, key)),
        None if all_open.is_empty() => Err(nothing_open(task)),
        None => {
            let problem = format!(
                "is `{key}`, which the task did not ask; use one of {}",
                names()
            );
            Err(InvalidInput::new("key", problem).into())
        }
    }
}

fn nothing_open(task: &Task) -> ServiceError {
    let reason = format!(
        "task {} has no open question; it is {}, and answers are taken while it is INPUT_REQUIRED",
        task.id, task.status
    );
    ServiceError::Conflict { reason }
}

fn answered(id: TaskId, key: &str) -> ServiceError {
    let reason =
        format!("the question `{key}` of task {id} has its answer already; the first one stands");
    ServiceError::Conflict { reason }
}

fn ended(task: &Task) -> ServiceError {
    let reason = format!(
        "task {} is {} and takes no answer any more",
        task.id, task.status
    );
    ServiceError::Conflict { reason }
}
