//! The engine over the memory store, on paused time: no test here sleeps for real.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admitting;
mod asking;
mod ending;
mod executing;
mod expiring;
mod failing;
mod faults;
mod faulty;
mod harness;
mod model;
mod queues;
mod refusing;
mod registering;
mod rescuing;
mod retaining;
mod running;
mod shutting_down;
mod taking;
mod telling;
