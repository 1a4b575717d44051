use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What MCP has for a block beside what is named here, by the names that it has there, such as `annotations` and `_meta`.
pub type ContentExtras = Map<String, Value>;

/// One block of a result, written as MCP writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Such as `annotations` and `_meta`.
        #[serde(flatten)]
        extras: ContentExtras,
    },
    /// A picture.
    Image {
        /// The bytes in base64.
        data: String,
        /// Its MIME type.
        #[serde(rename = "mimeType")]
        mime_type: String,
        /// Such as `annotations` and `_meta`.
        #[serde(flatten)]
        extras: ContentExtras,
    },
    /// A sound.
    Audio {
        /// The bytes in base64.
        data: String,
        /// Its MIME type.
        #[serde(rename = "mimeType")]
        mime_type: String,
        /// Such as `annotations` and `_meta`.
        #[serde(flatten)]
        extras: ContentExtras,
    },
    /// Something that can be read elsewhere too, with what stands in it.
    Resource {
        /// What it is.
        resource: Embedded,
        /// Such as `annotations` and `_meta`.
        #[serde(flatten)]
        extras: ContentExtras,
    },
    /// A pointer to something that can be read elsewhere.
    ResourceLink {
        /// Where it is.
        uri: String,
        /// What it is called.
        name: String,
        /// Such as `title`, `description`, `mimeType`, `size`, `annotations` and `_meta`.
        #[serde(flatten)]
        extras: ContentExtras,
    },
}

/// A resource inside a result: a text, or bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Embedded {
    /// Where it can be read elsewhere.
    pub uri: String,
    /// The text, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes in base64, if it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
    /// Such as `mimeType` and `_meta`.
    #[serde(flatten)]
    pub extras: ContentExtras,
}

impl Content {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text {
            text: text.into(),
            extras: ContentExtras::new(),
        }
    }

    /// A picture, in base64.
    pub fn image(data: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self::Image {
            data: data.into(),
            mime_type: mime_type.into(),
            extras: ContentExtras::new(),
        }
    }

    /// A pointer to something that can be read elsewhere.
    pub fn resource_link(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self::ResourceLink {
            uri: uri.into(),
            name: name.into(),
            extras: ContentExtras::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blocks_are_kept_as_mcp_writes_them() {
        let blocks = json!([
            {"type": "text", "text": "hello"},
            {"type": "text", "text": "", "annotations": {"audience": ["user"], "priority": 0.5}, "_meta": {"a": null}},
            {"type": "image", "data": "AA==", "mimeType": "image/png", "_meta": {}},
            {"type": "audio", "data": "AA==", "mimeType": "audio/wav"},
            {"type": "resource", "resource": {"uri": "file:///a", "text": "a", "mimeType": "text/plain", "_meta": {"b": 1}}},
            {"type": "resource", "resource": {"uri": "file:///b", "blob": "AA=="}, "annotations": {"priority": 1.0}},
            {"type": "resource_link", "uri": "task://1", "name": "one"},
            {"type": "resource_link", "uri": "task://2", "name": "two", "title": "Two", "size": 3, "icons": [{"src": "a"}]},
        ]);
        let read: Vec<Content> = serde_json::from_value(blocks.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), blocks);
        assert_eq!(read[0], Content::text("hello"));
        assert_eq!(read[6], Content::resource_link("task://1", "one"));
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for bad in [
            json!({"type": "film", "data": ""}),
            json!({"type": "text"}),
            json!({"type": "text", "text": 1}),
            json!({"type": "image", "data": "AA=="}),
            json!({"type": "resource", "resource": {"text": "of nowhere"}}),
        ] {
            assert!(
                serde_json::from_value::<Content>(bad.clone()).is_err(),
                "{bad}"
            );
        }
    }
}
