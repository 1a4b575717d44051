//! Every bound of the task model, in one place.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Longest name of a kind, queue, key or tag, in bytes.
pub const NAME_BYTES: usize = 200;
/// Most tags a task carries.
pub const TAGS: usize = 50;
/// Longest path or free text beside the payload, in bytes.
pub const TEXT_BYTES: usize = 4096;
/// Largest metadata object, in bytes of JSON.
pub const METADATA_BYTES: usize = 64 * 1024;
/// Largest payload, in bytes of JSON.
pub const PAYLOAD_BYTES: usize = 16 * 1024 * 1024;
/// Largest stored result, in bytes of JSON.
pub const RESULT_BYTES: usize = 64 * 1024 * 1024;
/// Largest checkpoint, in bytes of JSON.
pub const CHECKPOINT_BYTES: usize = 1024 * 1024;
/// Largest question to a human, and largest answer, in bytes of JSON.
pub const INPUT_BYTES: usize = 64 * 1024;
/// Most questions that a task asks over all its attempts.
pub const QUESTIONS: usize = 1000;
/// Largest entry of a task's output, in bytes of JSON.
pub const OUTPUT_BYTES: usize = 16 * 1024;
/// Largest value of a record, in bytes of JSON.
pub const RECORD_BYTES: usize = 16 * 1024 * 1024;
/// Longest stored error message, in bytes.
pub const ERROR_BYTES: usize = 16 * 1024;
/// Largest details of an error, in bytes of JSON.
pub const DETAILS_BYTES: usize = 16 * 1024;
/// Longest log line, in bytes. A longer one is cut and says so.
pub const LOG_LINE_BYTES: usize = 16 * 1024;
/// Most log lines a task keeps. Later ones are dropped.
pub const LOG_LINES: u64 = 10_000;
/// How much of a payload a list shows, in characters.
pub const PREVIEW_CHARS: usize = 200;
/// Most tasks of a queue that one engine runs at a time.
pub const QUEUE_CONCURRENCY: usize = 100_000;
/// Most tasks in one submit.
pub const SUBMIT_TASKS: usize = 10_000;
/// Most tasks that one call cancels or removes.
pub const CHANGED_TASKS: usize = 10_000;
/// Most files that one call makes tasks of.
pub const DIRECTORY_FILES: usize = 2000;
/// Most entries of a directory that one call looks at.
pub const DIRECTORY_ENTRIES: usize = 200_000;
/// How deep one call looks into a directory at most.
pub const DIRECTORY_DEPTH: usize = 64;
/// Largest file that a task is made of, in bytes.
pub const DIRECTORY_FILE_BYTES: usize = 1024 * 1024;
/// Largest sum of the files that one call makes tasks of, and of the tasks, in bytes.
pub const DIRECTORY_BYTES: usize = 64 * 1024 * 1024;
/// Largest data of an event that an MCP server reports, in bytes of JSON. Reporters cut theirs at 256 KiB.
pub const EVENT_DATA_BYTES: usize = 320 * 1024;
/// A page of reported events ends once its data has so many bytes.
pub const EVENT_PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Removing old reported events ends for the moment once their data has so many bytes, so that others get their turn.
pub const PURGED_BYTES: usize = 4 * 1024 * 1024;
/// Most reported events in one call of a store.
pub const REPORT_EVENTS: usize = 1000;
/// Most rows in one page.
pub const PAGE_ROWS: usize = 500;
/// Rows in a page when the caller does not say.
pub const PAGE_DEFAULT: usize = 50;
/// Most tasks one claim takes.
pub const CLAIM_TASKS: usize = 1000;
/// Ready tasks that a claim of one owner or work directory looks at.
pub const CLAIM_LOOKS: usize = 10_000;
/// Event batches that a slow subscriber may fall behind before it is told that it missed some.
pub const EVENT_BUFFER: usize = 256;
/// Hours of aggregates that a store shows.
pub const STATS_HOURS: usize = 48;
/// Names of queues, of kinds and of models that the aggregates of one hour tell apart, of each so many. What comes after them
/// is counted as [`OTHER`].
pub const STATS_NAMES: usize = 50;
/// Combinations of a queue, a kind and a model that the aggregates of one hour tell apart.
pub const STATS_GROUPS: usize = 200;
/// What aggregates call the queues, kinds and models beyond [`STATS_NAMES`]. What really has this name is counted with them.
pub const OTHER: &str = "other";
/// How long a lease lasts unless it is extended.
pub const LEASE: Duration = Duration::from_secs(30);
/// How long the lease of a task lasts that a caller took, unless it is extended.
pub const TAKEN_LEASE: Duration = Duration::from_mins(15);
/// Shortest and longest lease that a caller may ask for on a task that it takes.
pub const TAKEN_LEASES: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_hours(24);
/// How often a running task's lease is extended.
pub const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often a worker may die under a task before the task is failed as lost.
pub const RESCUES: u32 = 10;
/// How many attempts a task has unless it says.
pub const MAX_ATTEMPTS: u32 = 3;
/// Most attempts a task may ask for.
pub const MAX_ATTEMPTS_CEILING: u32 = 1000;
/// Of the claims of a queue, one in this many goes to the oldest task whatever its priority, so that nothing starves.
pub const AGE_CLAIM_EVERY: u64 = 16;
/// Longest delay, timeout or time to live: a hundred years.
pub const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);
