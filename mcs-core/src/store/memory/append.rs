use super::events::Commit;
use super::row::Row;
use super::state::State;
use crate::domain::{
    Event, EventKind, InputRequest, Json, LeaseNumber, LogEntry, LogLevel, Timestamp, limits, next,
};
use crate::store::{Append, AppendReply, Entry, rules};
use serde_json::{Value, json};
use std::time::Duration;

impl State {
    /// Adds to tasks, in one commit.
    pub(super) fn append(&mut self, entries: Vec<Append>, now: Timestamp) -> Vec<AppendReply> {
        let mut commit = Commit::at(now);
        let replies = entries
            .into_iter()
            .map(|append| self.append_one(append, &mut commit))
            .collect();
        self.events.publish(commit);
        replies
    }

    fn append_one(&mut self, append: Append, commit: &mut Commit) -> AppendReply {
        let Some(row) = self.find(append.task) else {
            return AppendReply::Missing;
        };
        let fenced = match append.lease {
            Some(lease) => row.is_held_under(lease),
            None => matches!(append.entry, Entry::Answer { .. }),
        };
        if !fenced || row.task.status.is_terminal() {
            return AppendReply::Stale;
        }
        let reply = self.change(row.seq, |row| add(row, append.entry, commit));
        reply.unwrap_or(AppendReply::Missing)
    }
}

fn add(row: &mut Row, entry: Entry, commit: &mut Commit) -> AppendReply {
    match entry {
        Entry::Log { level, text } => add_line(row, level, text, commit.now),
        Entry::Progress(progress) => {
            let detail = json!(&progress);
            row.task.progress = Some(progress);
            commit.tell(&row.task, EventKind::Progress, Some(detail));
        }
        Entry::Output(output) => {
            let detail = output.parse::<Value>().unwrap_or_default();
            commit.tell(&row.task, EventKind::Output, Some(detail));
        }
        Entry::Checkpoint(checkpoint) => row.task.checkpoint = Some(checkpoint),
        Entry::Ask {
            key,
            request,
            clock_left,
        } => return ask(row, &key, &request, clock_left, commit),
        Entry::Answer { key, response } => return answer(row, &key, response, commit),
    }
    AppendReply::Stored
}

fn add_line(row: &mut Row, level: LogLevel, text: String, at: Timestamp) {
    let seq = u64::try_from(row.log.len()).unwrap_or(u64::MAX) + 1;
    if seq > limits::LOG_LINES {
        return;
    }
    row.log.push(LogEntry {
        seq,
        at,
        attempt: row.task.attempt,
        level,
        text: rules::log_text(text),
    });
}

fn ask(
    row: &mut Row,
    key: &str,
    request: &Json,
    clock_left: Option<Duration>,
    commit: &mut Commit,
) -> AppendReply {
    let lease = LeaseNumber(row.leases);
    let known = row
        .task
        .input_requests
        .iter()
        .position(|asked| asked.key == key);
    if let Some(index) = known {
        let asked = &mut row.task.input_requests[index];
        if asked.response.is_some() || !asked.request.same_value(request) {
            return AppendReply::KeyRefused;
        }
        if asked.lease == lease {
            return AppendReply::Stored;
        }
        // An earlier attempt asked the same and nobody has answered yet: this one waits for it too.
        asked.lease = lease;
    } else if row.task.input_requests.len() >= limits::QUESTIONS {
        return AppendReply::TooMany;
    } else {
        row.task.input_requests.push(InputRequest {
            key: key.to_owned(),
            request: request.clone(),
            response: None,
            lease,
        });
    }
    // The first open question stopped the clock; a second one finds it stopped.
    if let Ok(waiting) = next(row.task.status, Event::Ask) {
        row.task.status = waiting;
        row.task.clock_left_ms = clock_left.map(millis);
    }
    let detail = json!({"key": key, "request": request.parse::<Value>().unwrap_or_default()});
    commit.tell(&row.task, EventKind::InputRequired, Some(detail));
    AppendReply::Stored
}

fn answer(row: &mut Row, key: &str, response: Json, commit: &mut Commit) -> AppendReply {
    let mut questions = row.task.input_requests.iter_mut();
    let open = questions.find(|asked| asked.key == key && asked.response.is_none());
    let Some(question) = open else {
        return AppendReply::KeyRefused;
    };
    question.response = Some(response);
    // A task that does not wait, since an earlier attempt asked, just keeps the answer for the next one.
    if !row.waits_for_answers()
        && let Ok(running) = next(row.task.status, Event::Answer)
    {
        row.task.status = running;
        row.task.clock_left_ms = None;
    }
    commit.tell(
        &row.task,
        EventKind::InputReceived,
        Some(json!({"key": key})),
    );
    AppendReply::Stored
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
