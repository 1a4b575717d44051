//! Tasks made of the files of a directory.

use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Mount, Nothing, Optional, PathParameter, Query, Trace};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, IdForm};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mcs_core::domain::TaskId;
use mcs_core::service::{DirectoryBatch, DirectorySpec, Scope};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::post("/api/v1/execute/directory/{*path}", "executeDirectory")
            .tag(Tag::Tasks)
            .needs(Scope::Write)
            .needs(Scope::Execute)
            .says("Makes a task of each file in a directory that matches a pattern, all or none.")
            .more(
                "Either the files say what to do (`*.task.toml`, `*.task.md`), or the body has one `prompt` for each of them. \
                 The answer names a task of kind `batch`: it completes once all of them have finished, its result sums them \
                 up, and cancelling it cancels them. The directory lies below one of those in which the server allows work, \
                 after symbolic links are followed.",
            )
            .path_parameter(
                "path",
                "The directory on the server, as an absolute path; its first slash is the one before it.",
            )
            .header(Trace::HEADER, Trace::MEANING)
            .query::<Nothing>()
            .optional_body::<DirectorySpec>()
            .example(
                "review",
                json!({"pattern": "src/**/*.rs", "prompt": "Review {file}.", "tags": ["review"]}),
            )
            .answers::<BatchView>(201, "The batch and its tasks.")
            .sets("Location", "Where the batch is.")
            .refuses(&[409]),
        execute,
    )
}

/// The tasks that were made of the files of a directory.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Batch")]
struct BatchView {
    /// The task that stands for all of them.
    #[schemars(with = "IdForm")]
    id: TaskId,
    /// The directory, without symbolic links.
    directory: String,
    /// Each file with its task, in the order of paths.
    tasks: Vec<FileTask>,
    /// Files that match and were left out, the first of them.
    skipped: Vec<SkippedFile>,
}

/// The task of a file.
#[derive(Debug, Serialize, JsonSchema)]
struct FileTask {
    /// The task.
    #[schemars(with = "IdForm")]
    id: TaskId,
    /// The path from the directory.
    file: String,
}

/// A file that was left out.
#[derive(Debug, Serialize, JsonSchema)]
struct SkippedFile {
    /// The path from the directory.
    file: String,
    /// Why.
    reason: String,
}

impl From<DirectoryBatch> for BatchView {
    fn from(batch: DirectoryBatch) -> Self {
        let tasks = batch.tasks.into_iter().map(|task| FileTask {
            id: task.task_id,
            file: task.file,
        });
        let skipped = batch.skipped.into_iter().map(|skipped| SkippedFile {
            file: skipped.file,
            reason: skipped.reason,
        });
        Self {
            id: batch.task_id,
            directory: batch.directory,
            tasks: tasks.collect(),
            skipped: skipped.collect(),
        }
    }
}

async fn execute(
    State(app): State<App>,
    caller: Caller,
    PathParameter(path): PathParameter,
    _: Query<Nothing>,
    trace: Trace,
    mount: Mount,
    Optional(spec, ..): Optional<DirectorySpec>,
) -> Result<Response, Problem> {
    // The slash before it is the root; those who write another mean the same.
    let directory = format!("/{}", path.trim_start_matches('/'));
    let request = spec.into_request(directory)?;
    let tasks = app.service.tasks().in_trace(trace.0);
    let batch = tasks.execute_directory(&caller.principal, request).await?;
    let location = mount.location(batch.task_id);
    let answer = Answer(StatusCode::CREATED, BatchView::from(batch));
    Ok((location, answer).into_response())
}
