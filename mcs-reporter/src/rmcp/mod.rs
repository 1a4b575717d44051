//! Reports the calls of a server that is made with [rmcp](::rmcp), without a change to the server.

mod answer;
mod asked;
mod call;
mod handler;
mod measure;
mod options;
mod reported_server;
mod session;
mod texts;
mod usage;

pub use reported_server::ReportedServer;
