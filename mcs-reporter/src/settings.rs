//! What a reporter is told once, with its defaults and bounds.

use crate::api_key::ApiKey;
use crate::journal::Bounds;
use std::path::PathBuf;
use std::time::Duration;

/// Where the index is kept unless told otherwise. The journal is in a folder of that name with [`SEGMENTS_ENDING`].
pub const CACHE_PATH: &str = "./interaction_cache.db";
/// As the path of the cache: keeps everything in memory, where the end of the process loses it.
pub const MEMORY_PATH: &str = ":memory:";
/// Ends the name of the folder with the journal.
pub const SEGMENTS_ENDING: &str = ".segments";
/// Bytes that journal and index may take on the disk.
pub const DISK_CAP: u64 = 1024 * 1024 * 1024;
/// Smallest such cap: the index and its log take half a megabyte before anything waits, and an event up to one.
pub const LEAST_CAP: u64 = 2 * 1024 * 1024;
/// Bytes that may wait in memory where no files are kept.
pub const MEMORY_CAP: u64 = 64 * 1024 * 1024;
/// Largest data of one event, in bytes of JSON.
pub const EVENT_CAP: usize = 256 * 1024;
/// Bounds of that.
pub const EVENT_CAPS: std::ops::RangeInclusive<usize> = 1024..=1024 * 1024;
/// Requests a second.
pub const REQUESTS_PER_SECOND: u32 = 10;
/// Bounds of that.
pub const REQUEST_RATES: std::ops::RangeInclusive<u32> = 1..=10_000;
/// How long a request may take, connecting included.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// How long connecting may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest such time.
pub const LONGEST_TIMEOUT: Duration = Duration::from_mins(10);
/// Failed attempts before a warning.
pub const MAX_RETRIES: u32 = 3;
/// The first pause after a failed request.
pub const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Shortest such pause; a shorter one is made this long.
pub const SHORTEST_RETRY_DELAY: Duration = Duration::from_millis(10);
/// Longest pause between two attempts.
pub const LONGEST_RETRY_DELAY: Duration = Duration::from_mins(1);
/// Bytes after which a segment is closed.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
/// The same where it is in memory.
const MEMORY_SEGMENT_BYTES: u64 = 1024 * 1024;
/// A full journal still has several segments, so that dropping the oldest drops a part.
const LEAST_SEGMENTS: u64 = 8;

/// Of the cap, dead letters get one part in so many.
const DEAD_LETTERS_SHARE: u64 = 8;

/// What happens to a new event when what waits fills the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// The new one is refused, and counted.
    #[default]
    Reject,
    /// The oldest ones that wait are dropped, many at a time, and counted.
    DropOldest,
}

/// What a reporter was told. Made by [`crate::ReporterBuilder`], which checks it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the coordinator is, without a slash at the end.
    pub coordinator_url: String,
    /// The key it knows this server by.
    pub api_key: ApiKey,
    /// Who reports.
    pub mcp_id: String,
    /// `false`: everything is [`crate::Report::Disabled`], without a file or a thread.
    pub enable_reporting: bool,
    /// Failed attempts before a warning is logged. Attempts themselves have no limit.
    pub max_retries: u32,
    /// The first pause after a failed request; the longest of the following ones doubles each time.
    pub retry_delay: Duration,
    /// The index; the journal is in a folder beside it. [`MEMORY_PATH`] keeps no files.
    pub local_cache_path: PathBuf,
    /// Requests a second at most.
    pub requests_per_second: u32,
    /// How long a request may take.
    pub timeout: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Bytes that journal and index may take on the disk.
    pub disk_cap: u64,
    /// Bytes that may wait where no files are kept.
    pub memory_cap: u64,
    /// What happens to new events when that is reached.
    pub when_full: WhenFull,
    /// Largest data of one event, in bytes of JSON.
    pub event_cap: usize,
    /// Age at which events are dropped undelivered; `None` keeps them however long it takes.
    pub max_age: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            coordinator_url: String::new(),
            api_key: ApiKey::new(""),
            mcp_id: String::new(),
            enable_reporting: true,
            max_retries: MAX_RETRIES,
            retry_delay: RETRY_DELAY,
            local_cache_path: PathBuf::from(CACHE_PATH),
            requests_per_second: REQUESTS_PER_SECOND,
            timeout: TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            disk_cap: DISK_CAP,
            memory_cap: MEMORY_CAP,
            when_full: WhenFull::Reject,
            event_cap: EVENT_CAP,
            max_age: None,
        }
    }
}

impl Settings {
    /// Whether everything is kept in memory.
    pub fn is_in_memory(&self) -> bool {
        self.local_cache_path.as_os_str() == MEMORY_PATH
    }

    /// Where the journal is, unless it is in memory.
    pub fn segments_folder(&self) -> Option<PathBuf> {
        if self.is_in_memory() {
            return None;
        }
        let mut name = self.local_cache_path.clone().into_os_string();
        name.push(SEGMENTS_ENDING);
        Some(name.into())
    }

    /// Bytes that may wait.
    pub fn cap(&self) -> u64 {
        if self.is_in_memory() {
            self.memory_cap
        } else {
            self.disk_cap
        }
    }

    /// Bytes that dead letters may take.
    pub(crate) fn dead_letters_cap(&self) -> u64 {
        self.cap() / DEAD_LETTERS_SHARE
    }

    /// How large the journal becomes.
    pub(crate) fn bounds(&self) -> Bounds {
        let cap = self.cap();
        let segment = if self.is_in_memory() {
            MEMORY_SEGMENT_BYTES
        } else {
            SEGMENT_BYTES
        };
        let segment = segment.min(cap / LEAST_SEGMENTS);
        // The worker drops the oldest once the cap is passed; what comes until it has done so needs room.
        let slack = match self.when_full {
            WhenFull::Reject => 0,
            WhenFull::DropOldest => 2 * segment,
        };
        Bounds {
            cap: cap.saturating_add(slack),
            segment,
        }
    }
}
