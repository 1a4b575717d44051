use crate::provider::CompletionRequest;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// A request as a hash: of the owner, the provider, the model, the texts and every parameter. Nothing can be read from
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CacheKey(String);

impl CacheKey {
    /// How many bits of the hash name a record: there are at most 16,384 records, of 150 bytes each.
    const SLOT_BITS: u32 = 14;

    pub(super) fn new(owner: &str, provider: &str, request: &CompletionRequest) -> Self {
        let mut hash = Sha256::new();
        // A new way to ask gets a new number here, so that old answers are not taken for its own.
        feed(&mut hash, "prompt 1");
        for text in [owner, provider, &request.model, &request.prompt] {
            feed(&mut hash, text);
        }
        feed_option(&mut hash, request.system.as_deref());
        let limit = request.max_tokens.map(|limit| limit.to_string());
        feed_option(&mut hash, limit.as_deref());
        // Two numbers that are the same are written the same.
        let temperature = request.temperature.map(|heat| heat.to_string());
        feed_option(&mut hash, temperature.as_deref());
        let mut parameters: Vec<_> = request.parameters.iter().collect();
        parameters.sort_unstable_by_key(|(name, _)| *name);
        for (name, value) in parameters {
            feed(&mut hash, name);
            feed(&mut hash, &sorted(value).to_string());
        }
        let mut text = String::with_capacity(64);
        for byte in hash.finalize() {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The whole of it.
    pub(super) fn request(&self) -> &str {
        &self.0
    }

    /// The name of its record, which it may share with others.
    pub(super) fn slot(&self) -> String {
        let start = u32::from_str_radix(&self.0[..8], 16).unwrap_or_default();
        format!("{:04x}", start >> (u32::BITS - Self::SLOT_BITS))
    }
}

/// Adds `text` with its length, so that no two lists of texts look the same.
fn feed(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

fn feed_option(hash: &mut Sha256, text: Option<&str>) {
    hash.update([u8::from(text.is_some())]);
    feed(hash, text.unwrap_or_default());
}

/// `value` with its keys in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(name, value)| (name.clone(), sorted(value)))
                    .collect(),
            )
        }
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::HashSet;

    fn request() -> CompletionRequest {
        let Value::Object(parameters) = json!({"top_p": 0.5, "tools": [{"b": 1, "a": 2}]}) else {
            unreachable!()
        };
        CompletionRequest {
            model: "m".into(),
            system: Some("s".into()),
            prompt: "my password is hunter2".into(),
            max_tokens: Some(5),
            at_most: None,
            temperature: Some(0.5),
            parameters,
            traceparent: None,
        }
    }

    #[test]
    fn everything_about_a_request_counts() {
        let base = request();
        let with = |change: &dyn Fn(&mut CompletionRequest)| {
            let mut request = base.clone();
            change(&mut request);
            CacheKey::new("me", "lab", &request)
        };
        let keys = [
            CacheKey::new("me", "lab", &base),
            CacheKey::new("you", "lab", &base),
            CacheKey::new("mel", "ab", &base),
            CacheKey::new("me", "other", &base),
            with(&|request| request.model = "n".into()),
            with(&|request| request.prompt.push(' ')),
            with(&|request| request.system = None),
            with(&|request| request.system = Some(String::new())),
            with(&|request| request.max_tokens = None),
            with(&|request| request.temperature = Some(0.6)),
            with(&|request| request.temperature = None),
            with(&|request| drop(request.parameters.remove("top_p"))),
            with(&|request| drop(request.parameters.insert("top_p".into(), json!(1)))),
        ];
        let distinct: HashSet<_> = keys.iter().map(CacheKey::request).collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn the_order_of_keys_does_not() {
        let mut other = request();
        other.parameters.clear();
        other
            .parameters
            .insert("tools".into(), json!([{"a": 2, "b": 1}]));
        other.parameters.insert("top_p".into(), json!(0.5));
        assert_eq!(
            CacheKey::new("me", "lab", &request()),
            CacheKey::new("me", "lab", &other)
        );
    }

    #[test]
    fn it_shows_nothing_and_its_slots_are_few() {
        let key = CacheKey::new("me", "lab", &request());
        assert_eq!(key.request().len(), 64);
        assert!(!format!("{key:?}").contains("hunter2"));
        let slot = u32::from_str_radix(&key.slot(), 16).unwrap();
        assert!(slot < 1 << CacheKey::SLOT_BITS);
    }
}
