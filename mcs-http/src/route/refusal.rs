use serde_json::{Value, json};

/// A status with which requests are refused, as the document describes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// Its name among the components.
    pub(super) name: &'static str,
    meaning: &'static str,
    /// A header that it carries.
    header: Option<(&'static str, &'static str)>,
}

const RETRY_AFTER: Option<(&str, &str)> =
    Some(("Retry-After", "Seconds after which to try again."));

/// The type of a problem.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// Every status with which anything is refused.
pub(super) const ALL: [Refusal; 13] = [
    plain(400, "Malformed", "The request cannot be read."),
    Refusal {
        status: 401,
        name: "Unauthenticated",
        meaning: "A key is needed, or the one that was sent does not work.",
        header: Some(("WWW-Authenticate", "How to send one.")),
    },
    plain(403, "Forbidden", "The caller may not do this."),
    plain(
        404,
        "NotFound",
        "There is no such thing, or it is somebody else's.",
    ),
    plain(408, "TooSlow", "The body took too long to arrive."),
    plain(
        409,
        "Conflict",
        "Something stands against it; `detail` says what.",
    ),
    plain(413, "TooLarge", "The body is too large."),
    plain(
        415,
        "UnknownType",
        "The body is of a type that is not taken.",
    ),
    plain(422, "Invalid", "A value is refused; `field` names it."),
    Refusal {
        status: 429,
        name: "TooMany",
        meaning: "Too many requests.",
        header: RETRY_AFTER,
    },
    plain(500, "Failed", "The server failed; its log says more."),
    plain(
        501,
        "NotThere",
        "This server is built or configured without it.",
    ),
    Refusal {
        status: 503,
        name: "Unavailable",
        meaning: "Not now.",
        header: RETRY_AFTER,
    },
];

const fn plain(status: u16, name: &'static str, meaning: &'static str) -> Refusal {
    Refusal {
        status,
        name,
        meaning,
        header: None,
    }
}

/// What the body of a problem is.
pub(super) fn content() -> Value {
    json!({"schema": {"$ref": "#/components/schemas/Problem"}})
}

impl Refusal {
    /// The one with this status.
    pub(super) fn of(status: u16) -> Option<&'static Self> {
        ALL.iter().find(|refusal| refusal.status == status)
    }

    /// The answer, which is a problem.
    pub(super) fn response(&self) -> Value {
        let mut response = json!({
            "description": self.meaning,
            "content": {MEDIA_TYPE: content()},
        });
        if let Some((name, meaning)) = self.header {
            response["headers"] =
                json!({name: {"description": meaning, "schema": {"type": "string"}}});
        }
        response
    }
}
