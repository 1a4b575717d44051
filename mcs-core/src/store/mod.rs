//! Where tasks are kept.
//!
//! [`TaskStore`], [`RecordStore`] and [`InteractionStore`] say what a store must do; the `contract` suites, behind the feature `testing`, test
//! that one does it.

#[cfg(feature = "testing")]
pub mod contract;
mod ending;
mod error;
mod event_page;
mod interaction_store;
mod memory;
mod purge_bounds;
mod record;
mod rules;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod task_store;

pub use error::StoreError;
pub use interaction_store::{InteractionStore, Purged, Stored};
pub use memory::MemoryStore;
pub use record::{Expected, Record, RecordStore};
pub use task_store::{
    Append, AppendReply, CancelReply, Entry, Extension, Inserted, LeaseState, Parts, Promotion,
    Reaped, RemoveReply, TaskEvents, TaskStore,
};
