//! The engine over the memory store, on paused time: no test here sleeps for real.

mod asking;
mod ending;
mod failing;
mod harness;
mod model;
mod queues;
mod refusing;
mod rescuing;
mod running;
mod shutting_down;
mod telling;
