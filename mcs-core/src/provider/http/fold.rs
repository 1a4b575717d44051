use super::api_error::ApiError;
use super::sse::SseEvent;
#[cfg(test)]
use super::sse::SseParser;
use crate::provider::{Completion, Delta};

/// An answer of one protocol as it grows, from one body that has it all or from the events of a stream.
///
/// It does no I/O and knows no time. After an error it is not used any more.
pub(crate) trait Fold: Send + 'static {
    /// Takes a body that has the whole answer, and tells each part of it.
    fn body(&mut self, body: &[u8], tell: &mut dyn FnMut(Delta)) -> Result<(), FoldError>;

    /// Takes an event of a stream, and tells each new part.
    fn event(&mut self, event: &SseEvent, tell: &mut dyn FnMut(Delta)) -> Result<Flow, FoldError>;

    /// Whether the API has said why the answer ended, so that nothing is lost if no more comes.
    fn has_finished(&self) -> bool;

    /// The whole answer.
    fn complete(self, request_id: Option<String>) -> Result<Completion, FoldError>;
}

/// Whether a stream goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// More is to come.
    More,
    /// That was its end.
    End,
}

/// Why what came is no answer.
#[derive(Debug)]
pub(crate) enum FoldError {
    /// The API reported an error after all.
    Reported(ApiError),
    /// It is not what the protocol says.
    Garbled(serde_json::Error),
    /// It ended well and said nothing.
    Empty,
    /// It cannot be used.
    Answer(AnswerError),
}

/// Why an answer cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerError {
    /// It outgrew its bound.
    TooLarge,
    /// The server gave up on it for lack of capacity.
    OutOfCapacity,
}

impl From<AnswerError> for FoldError {
    fn from(error: AnswerError) -> Self {
        Self::Answer(error)
    }
}

/// How large an answer is, and how large it may be, in bytes.
#[derive(Debug)]
pub(crate) struct Size {
    bytes: usize,
    most: usize,
}

impl Size {
    /// Nothing yet, of `most`.
    pub(crate) const fn up_to(most: usize) -> Self {
        Self { bytes: 0, most }
    }

    /// Counts so many bytes more.
    pub(crate) const fn grow(&mut self, bytes: usize) -> Result<(), AnswerError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.most {
            return Err(AnswerError::TooLarge);
        }
        Ok(())
    }
}

/// Folds `bytes`, which came in `chunks`, up to the end of the stream or to an error.
#[cfg(test)]
fn fold<'a, A: Fold>(
    mut answer: A,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Delta>, Option<Completion>) {
    let mut parser = SseParser::default();
    let mut deltas = Vec::new();
    let mut flow = Flow::More;
    for chunk in chunks {
        parser.push(chunk).expect("no event is that large");
    }
    parser.finish().expect("no event is that large");
    while let (Flow::More, Some(event)) = (flow, parser.next_event()) {
        match answer.event(&event, &mut |delta| deltas.push(delta)) {
            Ok(next) => flow = next,
            Err(_) => return (deltas, None),
        }
    }
    let whole = flow == Flow::End || answer.has_finished();
    let completion = whole.then(|| answer.complete(None).expect("an answer that ended is one"));
    (deltas, completion)
}

/// Holds a fold to what it owes for the stream `bytes`: cut into chunks at any places it gives the same answer, and
/// broken off at `end` it gives the start of it, and no answer before the API has said why it ended.
#[cfg(test)]
pub(crate) fn check_cuts<A: Fold>(
    answer: impl Fn() -> A,
    bytes: &[u8],
    cuts: &[usize],
    end: usize,
) {
    let (deltas, whole) = fold(answer(), [bytes]);
    let whole = whole.expect("the stream is a whole one");
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    let chunks = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
    assert_eq!(
        fold(answer(), chunks),
        (deltas.clone(), Some(whole.clone()))
    );

    let end = end % (bytes.len() + 1);
    let (start, ended) = fold(answer(), [&bytes[..end]]);
    assert!(deltas.starts_with(&start), "{start:?} at {end}");
    if let Some(ended) = ended {
        assert_eq!(ended.text, whole.text, "cut at {end}");
        assert_eq!(ended.finish, whole.finish, "cut at {end}");
        assert_eq!(ended.tool_calls, whole.tool_calls, "cut at {end}");
    }
}
