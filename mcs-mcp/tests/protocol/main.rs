//! The server as its clients see it: JSON-RPC lines over pipes in one process.

mod agents;
mod bad_input;
mod bounds;
mod catalogue;
mod completion;
mod confirming;
mod end_of_input;
mod eras;
mod handles;
mod notices;
mod reported;
mod results;
mod sharing;
mod subscriptions;
mod support;
mod surroundings;
mod task_resources;
mod tools;
