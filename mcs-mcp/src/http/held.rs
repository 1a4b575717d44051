use super::uses::Use;
use futures_util::Stream;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A stream that keeps something, such as a use of its session, until it ends or its reader leaves.
pub(super) struct Held<S, K = Use> {
    // Boxed, so that it can be polled without a projection.
    stream: Pin<Box<S>>,
    kept: Option<K>,
}

impl<S: Stream, K> Held<S, K> {
    pub(super) fn new(stream: S, kept: Option<K>) -> Self {
        Self {
            stream: Box::pin(stream),
            kept,
        }
    }
}

impl<S: Stream, K: Unpin> Stream for Held<S, K> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let polled = self.stream.as_mut().poll_next(context);
        if let Poll::Ready(None) = &polled {
            self.kept = None;
        }
        polled
    }
}
