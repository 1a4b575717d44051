use mcs_core::domain::{Approval, Dispatch, InputRequest, Status, Task};
use std::fmt::Write;

/// How much of a long text a list shows, in characters.
const CUT_CHARS: usize = 200;
/// How many open questions are named.
const QUESTIONS: usize = 10;

/// `text`, or its start with a word on how long it is.
pub(crate) fn cut(text: &str) -> String {
    cut_to(text, CUT_CHARS)
}

/// `text`, or its first `chars` characters with a word on how long it is.
pub(crate) fn cut_to(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => {
            let length = text.chars().count();
            format!("{}… [cut, {length} characters]", &text[..end])
        }
        None => text.to_owned(),
    }
}

/// A task in one line.
pub(crate) fn headline(task: &Task) -> String {
    // Writing to a text cannot fail, here and below.
    let mut line = format!("Task {} is {}", task.id, task.status);
    if task.attempt > 0 {
        let _ = write!(line, " (attempt {} of {})", task.attempt, task.max_attempts);
    }
    if let Some(progress) = task.progress.as_ref().filter(|_| task.status.is_leased()) {
        let percent = progress.percent.map(|percent| format!(" {percent:.0} %"));
        let message = progress
            .message
            .as_deref()
            .map(|text| format!(" {}", cut(text)));
        line = line + ":" + &percent.unwrap_or_default() + &message.unwrap_or_default();
    }
    line + "."
}

/// What a caller does next about a task. `paused` tells whether its queue is.
pub(crate) fn next_step(task: &Task, paused: bool) -> String {
    match task.status {
        Status::Pending => pending(task, paused),
        Status::Processing if task.cancel_requested_at.is_some() => {
            "Its worker was asked to end it; call wait_for_task to see the end.".to_owned()
        }
        Status::Processing => {
            "Call wait_for_task for its result, or get_task_status later.".to_owned()
        }
        Status::InputRequired => asked(task),
        Status::Completed => "Call get_task_result for its result.".to_owned(),
        Status::Failed => failed(task),
        Status::Cancelled => "Call retry_task if it is wanted after all.".to_owned(),
    }
}

/// What runs a task that does not start by itself.
pub(crate) const EXECUTE: &str = "call execute_task, a tool of the set standard, with its task_id";

fn pending(task: &Task, paused: bool) -> String {
    let manual = task.dispatch == Dispatch::Manual;
    let mut text = match task.wait_reason {
        _ if paused => format!(
            "Its queue {} is paused: it waits until resume_queue, a tool of the set all, is called for the queue.",
            task.queue
        ),
        Some(reason) => format!("It is {}, until {}.", reason.meaning(), task.run_at),
        None if manual => "It is manual and does not start by itself.".to_owned(),
        None => "It waits for a free worker.".to_owned(),
    };
    if let Some(until) = task.held_until {
        let reason = task
            .hold_reason
            .as_deref()
            .unwrap_or("its provider asked to wait");
        let _ = write!(
            text,
            " It is held back until {until}: {}",
            sentence(&cut(reason))
        );
    }
    if let Some(error) = &task.error {
        let _ = write!(
            text,
            " Its last attempt failed: {}",
            sentence(&cut(&error.message))
        );
    }
    if manual {
        return format!("{text} To run it, {EXECUTE}; then call wait_for_task for its result.");
    }
    text + " Call wait_for_task for its result, or get_task_status later."
}

fn failed(task: &Task) -> String {
    let Some(error) = &task.error else {
        return "Call retry_task to try it again.".to_owned();
    };
    let advice = if error.retryable {
        "Trying again may help: call retry_task."
    } else {
        "Trying again as it is will not help: mend the cause, then call retry_task or create_task."
    };
    let message = sentence(&error.message);
    format!("{} error: {message} {advice}", error.class.as_str())
}

/// The open questions, the first of them in full.
fn asked(task: &Task) -> String {
    let mut open = task.open_questions();
    let mut text = "It waits for an answer.".to_owned();
    if let Some(first) = open.next() {
        let _ = write!(text, " {}", question(first));
    }
    let named = open.by_ref().take(QUESTIONS);
    let named: Vec<_> = named
        .map(|question| format!("`{}`", question.key))
        .collect();
    if !named.is_empty() {
        let more = match open.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = write!(text, " {}{more} are open too.", named.join(", "));
    }
    text + " get_task_status shows open questions in input_requests."
}

/// A question with how to answer it.
fn question(asked: &InputRequest) -> String {
    let key = &asked.key;
    let Some(approval) = Approval::of(&asked.request) else {
        return format!(
            "Question `{key}`: {} Call respond_to_task with this key and the answer as `response`.",
            sentence(&cut(asked.request.as_str()))
        );
    };
    let directory = approval.work_directory.as_deref();
    let directory = directory.map_or(String::new(), |directory| format!(" in {}", cut(directory)));
    let expiry = approval.expires_at.map_or(String::new(), |until| {
        format!(" Without an answer it is denied at {until}.")
    });
    format!(
        "Question `{key}`: {} Tool {}{directory}, input {}.{expiry} Call respond_to_task with this key and `decision` allow, \
         allow_always or deny.",
        sentence(&cut(&approval.message)),
        cut(&approval.tool),
        cut(&approval.input.to_string()),
    )
}

/// `text` with an end, so that the next sentence does not run into it.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    let stop = if text.ends_with(['.', '!', '?', '…']) {
        ""
    } else {
        "."
    };
    format!("{text}{stop}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_once() {
        assert_eq!(sentence("it broke"), "it broke.");
        assert_eq!(sentence("it broke!\n"), "it broke!");
    }

    #[test]
    fn long_texts_tell_their_length() {
        assert_eq!(cut("short"), "short");
        let long = cut(&"é".repeat(1234));
        assert!(long.starts_with(&"é".repeat(200)) && long.ends_with("… [cut, 1234 characters]"));
    }
}
