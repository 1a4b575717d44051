use crate::view::cut;
use mcs_core::domain::{Approval, Dispatch, Status, Task};

/// What a client may show of where the task stands, in a short sentence. A completed task says it all in its result.
/// `asks` is whether there are questions for the client.
pub(super) fn message(task: &Task, asks: bool) -> Option<String> {
    let text = match task.status {
        Status::Pending => pending(task),
        _ if task.cancel_requested_at.is_some() && !task.status.is_terminal() => {
            "Its worker was asked to end it.".to_owned()
        }
        Status::Processing => processing(task),
        Status::InputRequired if asks => asking(task),
        Status::InputRequired => {
            "It waits for an answer that this client cannot give; another one, or respond_to_task, gives it."
                .to_owned()
        }
        Status::Completed => return None,
        Status::Failed | Status::Cancelled => ended(task)?,
    };
    Some(text)
}

fn pending(task: &Task) -> String {
    if let Some(until) = task.held_until {
        let reason = task.hold_reason.as_deref().map(cut);
        let reason = reason.unwrap_or_else(|| "its provider asked to wait".to_owned());
        return format!("Held back until {until}: {reason}");
    }
    match (task.wait_reason, &task.error) {
        (Some(reason), Some(error)) => {
            let message = cut(&error.message);
            let (reason, until) = (reason.meaning(), task.run_at);
            format!("It is {reason}, until {until}. The last attempt failed: {message}")
        }
        (Some(reason), None) => format!("It is {}, until {}.", reason.meaning(), task.run_at),
        (None, _) if task.dispatch == Dispatch::Manual => {
            "It is manual and waits for execute_task.".to_owned()
        }
        (None, _) => "It waits for a free worker.".to_owned(),
    }
}

fn processing(task: &Task) -> String {
    let progress = task.progress.as_ref();
    let percent = progress.and_then(|progress| progress.percent);
    let doing = progress.and_then(|progress| progress.message.as_deref());
    match (percent, doing.map(cut)) {
        (Some(percent), Some(doing)) => format!("{percent:.0} % {doing}"),
        (Some(percent), None) => format!("{percent:.0} %"),
        (None, Some(doing)) => doing,
        (None, None) => format!("Attempt {} of {} runs.", task.attempt, task.max_attempts),
    }
}

fn asking(task: &Task) -> String {
    let mut open = task.open_questions();
    let first = open.next().and_then(|asked| Approval::of(&asked.request));
    match (first, open.count()) {
        (Some(approval), 0) => cut(&approval.message),
        (_, 0) => "It waits for an answer.".to_owned(),
        (_, more) => format!("It waits for {} answers.", more + 1),
    }
}

fn ended(task: &Task) -> Option<String> {
    let error = task.error.as_ref()?;
    Some(format!("{}: {}", error.class.as_str(), cut(&error.message)))
}
