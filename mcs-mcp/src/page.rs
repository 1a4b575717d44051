use mcs_core::schema::shortened;
use rmcp::model::{ErrorData, PaginatedRequestParams};

/// Most entries of a list that one answer has.
const ENTRIES: usize = 50;

/// The part of a list that a request asks for, and the cursor of the one that follows.
///
/// A cursor is the `key` of the last entry before it, so that it stays right when the list grows. One that names no entry
/// is refused, and so is one of another list.
pub(crate) fn page<T>(
    list: Vec<T>,
    key: impl Fn(&T) -> &str,
    request: Option<PaginatedRequestParams>,
) -> Result<(Vec<T>, Option<String>), ErrorData> {
    let cursor = request.and_then(|request| request.cursor);
    let start = match &cursor {
        None => 0,
        Some(cursor) => {
            let before = list.iter().position(|entry| key(entry) == cursor);
            before.ok_or_else(|| unknown(cursor))? + 1
        }
    };
    let more = list.len() > start + ENTRIES;
    let part: Vec<T> = list.into_iter().skip(start).take(ENTRIES).collect();
    let next = part
        .last()
        .filter(|_| more)
        .map(|last| key(last).to_owned());
    Ok((part, next))
}

fn unknown(cursor: &str) -> ErrorData {
    let message = format!(
        "`{}` is no cursor of this list; use the nextCursor of the page before, or none for the first page",
        shortened(cursor)
    );
    ErrorData::invalid_params(message, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::ErrorCode;

    fn list(length: usize) -> Vec<String> {
        (0..length).map(|number| format!("n{number}")).collect()
    }

    fn read(
        length: usize,
        cursor: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), ErrorData> {
        let request = PaginatedRequestParams::default().with_cursor(cursor);
        page(list(length), String::as_str, Some(request))
    }

    #[test]
    fn pages_follow_each_other_and_miss_nothing() {
        for length in [0, 1, ENTRIES - 1, ENTRIES, ENTRIES + 1, 3 * ENTRIES] {
            let (mut all, mut cursor) = (Vec::new(), None);
            loop {
                let (part, next) = read(length, cursor).unwrap();
                assert!(part.len() <= ENTRIES);
                all.extend(part);
                if next.is_none() {
                    break;
                }
                cursor = next;
            }
            assert_eq!(all, list(length));
        }
        let (first, _) = page(list(3), String::as_str, None).unwrap();
        assert_eq!(first, list(3));
    }

    #[test]
    fn what_is_no_cursor_of_the_list_is_refused() {
        for cursor in ["", "n", "n60", "eyJwYWdlIjogM30="] {
            let refused = read(60, Some(cursor.to_owned())).unwrap_err();
            assert_eq!(refused.code, ErrorCode::INVALID_PARAMS, "{cursor}");
            assert!(refused.message.contains(cursor), "{}", refused.message);
        }
    }
}
