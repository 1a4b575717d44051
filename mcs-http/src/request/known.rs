use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;

/// Whether the caller has the version with this tag already. Weak tags and strong ones are compared alike, as they are where
/// something is only read.
pub(crate) fn is_known(asked: &HeaderMap, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let known = asked.get_all(IF_NONE_MATCH).into_iter();
    known
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || bare(tag) == bare(etag))
}
