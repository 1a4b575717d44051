use serde_json::Value;

/// Longest message of an API that is quoted, in characters.
const QUOTED_CHARS: usize = 1000;

/// An error as the API words it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ApiError {
    pub(crate) message: String,
    /// OpenAI's `type`.
    pub(crate) kind: Option<String>,
    /// OpenAI's `code`, which is more precise.
    pub(crate) code: Option<String>,
    /// The status, where an error that follows a status of 200 names one.
    pub(crate) status: Option<u16>,
    /// Where the body and not a header holds it.
    pub(crate) request_id: Option<String>,
}

/// What to do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Transient,
    RateLimited,
    Permanent,
}

/// Errors of billing come with a status that others are tried again for, and are final all the same.
const BILLING: [&str; 4] = [
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
];
/// Names of errors that come without a status, in the middle of a stream.
const RATE_LIMITS: [&str; 3] = [
    "rate_limit_exceeded",
    "rate_limit_error",
    "too_many_requests",
];
const FINAL: [&str; 10] = [
    "invalid_request_error",
    "authentication_error",
    "invalid_api_key",
    "permission_error",
    "not_found_error",
    "model_not_found",
    "request_too_large",
    "context_length_exceeded",
    "content_filter",
    "content_policy_violation",
];

impl ApiError {
    /// Reads the body of an answer that is no success, whatever its shape.
    pub(crate) fn from_body(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        match serde_json::from_str::<Value>(&text) {
            Ok(value) => Self::from_value(&value),
            Err(_) => Self {
                message: text.trim().to_owned(),
                ..Self::default()
            },
        }
    }

    /// Reads `{"error": {..}}`, what stands in there, `{"error": ".."}`, `{"message": ..}` or `{"detail": ..}`.
    pub(crate) fn from_value(value: &Value) -> Self {
        let error = match value.get("error") {
            Some(inner) if !inner.is_null() => inner,
            _ => value,
        };
        let text = |name: &str| match error.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Null | Value::String(_) => None,
            other => Some(other.to_string()),
        };
        let message = error.as_str().map(str::to_owned);
        let message = message
            .or_else(|| text("message"))
            .or_else(|| text("detail"));
        let code = text("code");
        let status = code.as_deref().and_then(|code| code.parse().ok());
        let request_id = value.get("request_id").and_then(Value::as_str);
        Self {
            message: message.unwrap_or_else(|| error.to_string()),
            kind: text("type"),
            code,
            status: status.filter(|status| (400..600).contains(status)),
            request_id: request_id.map(str::to_owned),
        }
    }

    /// The most precise name it has.
    pub(crate) fn name(&self) -> Option<&str> {
        self.code.as_deref().or(self.kind.as_deref())
    }

    /// Its message, bounded. Scrub it first.
    pub(crate) fn quote(message: &str) -> &str {
        match message.char_indices().nth(QUOTED_CHARS) {
            Some((end, _)) => &message[..end],
            None => message,
        }
    }

    fn is_one_of(&self, names: &[&str]) -> bool {
        let mut own = [&self.code, &self.kind].into_iter().flatten();
        own.any(|name| names.contains(&name.as_str()))
    }

    /// Whether it says that nobody has paid.
    pub(crate) fn is_billing(&self) -> bool {
        self.is_one_of(&BILLING)
    }

    /// What to do after it. `should_retry` is what the API said of that.
    pub(crate) fn verdict(&self, status: Option<u16>, should_retry: Option<bool>) -> Verdict {
        let status = status.or(self.status);
        if self.is_billing() || should_retry == Some(false) {
            return Verdict::Permanent;
        }
        match status {
            Some(429) => Verdict::RateLimited,
            Some(408 | 409 | 500..) => Verdict::Transient,
            Some(_) if should_retry == Some(true) => Verdict::Transient,
            Some(_) => Verdict::Permanent,
            None if self.is_one_of(&RATE_LIMITS) => Verdict::RateLimited,
            None if self.is_one_of(&FINAL) => Verdict::Permanent,
            None => Verdict::Transient,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_shape_is_read() {
        let openai = json!({"error": {"message": "no", "type": "invalid_request_error", "param": null, "code": "model_not_found"}});
        let error = ApiError::from_value(&openai);
        assert_eq!(
            (error.message.as_str(), error.name()),
            ("no", Some("model_not_found"))
        );
        let anthropic = json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}, "request_id": "r1"});
        let error = ApiError::from_value(&anthropic);
        assert_eq!(
            (error.name(), error.request_id.as_deref()),
            (Some("overloaded_error"), Some("r1"))
        );
        let numbered =
            ApiError::from_value(&json!({"error": {"message": "bad gateway", "code": 502}}));
        assert_eq!((numbered.status, numbered.name()), (Some(502), Some("502")));
        let messages = [
            (r#"{"error":"no such model"}"#, "no such model"),
            (r#"{"detail":[{"loc":["body"]}]}"#, r#"[{"loc":["body"]}]"#),
            (r#"{"message":"gone","error":null}"#, "gone"),
            ("<html>bad gateway</html>\n", "<html>bad gateway</html>"),
            (r#"{"odd":1}"#, r#"{"odd":1}"#),
            ("", ""),
        ];
        for (body, message) in messages {
            assert_eq!(ApiError::from_body(body.as_bytes()).message, message);
        }
    }

    #[test]
    fn statuses_decide_unless_the_api_says_otherwise() {
        let plain = ApiError::default();
        for status in [408, 409, 500, 502, 503, 504, 529] {
            assert_eq!(
                plain.verdict(Some(status), None),
                Verdict::Transient,
                "{status}"
            );
            assert_eq!(
                plain.verdict(Some(status), Some(false)),
                Verdict::Permanent,
                "{status}"
            );
        }
        for status in [302, 400, 401, 402, 403, 404, 413, 422] {
            assert_eq!(
                plain.verdict(Some(status), None),
                Verdict::Permanent,
                "{status}"
            );
            assert_eq!(
                plain.verdict(Some(status), Some(true)),
                Verdict::Transient,
                "{status}"
            );
        }
        assert_eq!(plain.verdict(Some(429), None), Verdict::RateLimited);
        assert_eq!(plain.verdict(Some(429), Some(true)), Verdict::RateLimited);
        assert_eq!(plain.verdict(Some(429), Some(false)), Verdict::Permanent);
    }

    #[test]
    fn an_empty_account_is_final_whatever_comes_with_it() {
        for error in [
            json!({"code": "insufficient_quota"}),
            json!({"type": "insufficient_quota"}),
        ] {
            let error = ApiError::from_value(&json!({"error": error}));
            assert_eq!(error.verdict(Some(429), Some(true)), Verdict::Permanent);
        }
    }

    #[test]
    fn names_decide_where_there_is_no_status() {
        let verdict =
            |error: Value| ApiError::from_value(&json!({"error": error})).verdict(None, None);
        assert_eq!(
            verdict(json!({"code": "rate_limit_exceeded", "type": "tokens"})),
            Verdict::RateLimited
        );
        assert_eq!(verdict(json!({"code": 429})), Verdict::RateLimited);
        assert_eq!(
            verdict(json!({"type": "invalid_request_error"})),
            Verdict::Permanent
        );
        assert_eq!(verdict(json!({"type": "server_error"})), Verdict::Transient);
        assert_eq!(
            verdict(json!({"type": "overloaded_error"})),
            Verdict::Transient
        );
        assert_eq!(verdict(json!("what?")), Verdict::Transient);
    }
}
