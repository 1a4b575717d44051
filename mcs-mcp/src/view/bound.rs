use serde::Serialize;

/// Most that one answer shows, in bytes of JSON.
pub(crate) const ANSWER_BYTES: usize = 32 * 1024;

/// How many of `items`, the first before the others, fit into so many bytes of a JSON list.
pub(crate) fn fitting<'a, T: Serialize + 'a>(
    items: impl IntoIterator<Item = &'a T>,
    bytes: usize,
) -> usize {
    let mut left = bytes;
    let fits = |item| {
        let Some(rest) = left.checked_sub(bytes_of(item) + 1) else {
            return false;
        };
        left = rest;
        true
    };
    items.into_iter().map(fits).take_while(|fits| *fits).count()
}

/// The size of `value` in bytes of JSON. What JSON cannot say fits nowhere.
pub(crate) fn bytes_of(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(usize::MAX - 1, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ones_that_fit_are_counted() {
        let items = ["a", "bc", "d"];
        // Each has its quotes and a comma.
        for (bytes, count) in [(0, 0), (3, 0), (4, 1), (8, 1), (9, 2), (12, 2), (13, 3)] {
            assert_eq!(fitting(&items, bytes), count, "{bytes}");
        }
    }
}
