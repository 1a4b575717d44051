//! Streams of server-sent events: what is alike in all of them, whatever they tell.
//!
//! A [`Source`] waits for what is next and writes it into [`Blocks`]. The stream around it has a place among those that are
//! open, asks again and again whether its caller may still listen, tells a client that hears nothing that it lives, and ends
//! with the server. What comes together goes out in one piece.

mod blocks;
mod place;
mod stream;

pub(crate) use blocks::{Blocks, Unwritable};
pub(crate) use place::{last_event_id, take_place};
pub(crate) use stream::{ReasonView, Source, respond};
