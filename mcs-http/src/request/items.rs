use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The items of a JSON array, still text. Those beyond the first `MOST` are counted and not kept.
#[derive(Debug)]
pub(crate) struct Items<'a, const MOST: usize> {
    items: Vec<&'a RawValue>,
    count: usize,
}

impl<'a, const MOST: usize> Items<'a, MOST> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a RawValue> {
        self.items.iter().copied()
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }
}

impl<'de: 'a, 'a, const MOST: usize> Deserialize<'de> for Items<'a, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(First::<MOST>)
    }
}

struct First<const MOST: usize>;

impl<'de, const MOST: usize> Visitor<'de> for First<MOST> {
    type Value = Items<'de, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        let mut count = 0;
        while let Some(item) = seq.next_element()? {
            count += 1;
            if count <= MOST {
                items.push(item);
            }
        }
        Ok(Items { items, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_kept_than_are_taken() {
        let read = |text| serde_json::from_str::<Items<'_, 2>>(text).unwrap();
        let few = read(r#"[{"a": 1}]"#);
        assert_eq!((few.count(), few.iter().count()), (1, 1));
        let many = read("[1, 2, 3]");
        assert_eq!((many.count(), many.iter().count()), (3, 2));
    }
}
