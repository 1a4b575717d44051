use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, NotForContentType, Predicate, SizeAbove};

/// Answers that are smaller gain nothing.
const SMALL: u64 = 1024;
/// About as fast as it gets with either coding. What is beyond costs time and gains a few percent.
const LEVEL: i32 = 4;

type Chosen = And<And<SizeAbove, NotForContentType>, NotForContentType>;

/// Compresses answers for those who take it. Events go out one by one, and pictures are compressed already.
pub(crate) fn layer() -> CompressionLayer<Chosen> {
    let chosen = SizeAbove::new(SMALL)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES);
    CompressionLayer::new()
        .quality(CompressionLevel::Precise(LEVEL))
        .compress_when(chosen)
}
