//! Blocks of results as the task model keeps them, and as the protocol has them. Nothing is lost either way.

use mcs_core::domain::{Content, ContentExtras, Embedded};
use rmcp::model::{
    Annotations, AudioContent, CallToolResult, ContentBlock, EmbeddedResource, ImageContent,
    MetaObject, Resource, ResourceContents, TextContent,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The same result for a client that knows no links: each of them in words.
pub(crate) fn without_links(mut result: CallToolResult) -> CallToolResult {
    for block in &mut result.content {
        if let ContentBlock::ResourceLink(link) = block {
            *block = ContentBlock::text(format!("[{}: {}]", link.name, link.uri));
        }
    }
    result
}

/// The block as the protocol has it. What it says beside its content is left out where the protocol does not have it so.
pub(crate) fn shown(content: Content) -> ContentBlock {
    match content {
        Content::Text { text, mut extras } => {
            let mut block = TextContent::new(text);
            (block.annotations, block.meta) = beside(&mut extras);
            ContentBlock::Text(block)
        }
        Content::Image {
            data,
            mime_type,
            mut extras,
        } => {
            let mut block = ImageContent::new(data, mime_type);
            (block.annotations, block.meta) = beside(&mut extras);
            ContentBlock::Image(block)
        }
        Content::Audio {
            data,
            mime_type,
            mut extras,
        } => {
            let mut block = AudioContent::new(data, mime_type);
            (block.annotations, block.meta) = beside(&mut extras);
            ContentBlock::Audio(block)
        }
        Content::Resource {
            resource,
            mut extras,
        } => {
            let mut block = EmbeddedResource::new(shown_resource(resource));
            (block.annotations, block.meta) = beside(&mut extras);
            ContentBlock::Resource(block)
        }
        Content::ResourceLink {
            uri,
            name,
            mut extras,
        } => {
            let mut link = Resource::new(uri, name);
            (link.annotations, link.meta) = beside(&mut extras);
            link.title = take(&mut extras, "title");
            link.description = take(&mut extras, "description");
            link.mime_type = take(&mut extras, "mimeType");
            link.size = take(&mut extras, "size");
            link.icons = take(&mut extras, "icons");
            ContentBlock::ResourceLink(link)
        }
    }
}

fn shown_resource(resource: Embedded) -> ResourceContents {
    let Embedded {
        uri,
        text,
        blob,
        mut extras,
    } = resource;
    let mime_type = take(&mut extras, "mimeType");
    let meta = take(&mut extras, "_meta");
    match blob {
        Some(blob) if text.is_none() => ResourceContents::BlobResourceContents {
            uri,
            mime_type,
            blob,
            meta,
        },
        _ => ResourceContents::TextResourceContents {
            uri,
            mime_type,
            text: text.unwrap_or_default(),
            meta,
        },
    }
}

/// The block as it is kept; `None` for one of a later protocol.
pub(crate) fn kept(block: ContentBlock) -> Option<Content> {
    let mut extras = ContentExtras::new();
    Some(match block {
        ContentBlock::Text(block) => {
            put_beside(&mut extras, block.annotations, block.meta);
            Content::Text {
                text: block.text,
                extras,
            }
        }
        ContentBlock::Image(block) => {
            put_beside(&mut extras, block.annotations, block.meta);
            Content::Image {
                data: block.data,
                mime_type: block.mime_type,
                extras,
            }
        }
        ContentBlock::Audio(block) => {
            put_beside(&mut extras, block.annotations, block.meta);
            Content::Audio {
                data: block.data,
                mime_type: block.mime_type,
                extras,
            }
        }
        ContentBlock::Resource(block) => {
            put_beside(&mut extras, block.annotations, block.meta);
            Content::Resource {
                resource: kept_resource(block.resource)?,
                extras,
            }
        }
        ContentBlock::ResourceLink(link) => {
            put_beside(&mut extras, link.annotations, link.meta);
            put(&mut extras, "title", link.title);
            put(&mut extras, "description", link.description);
            put(&mut extras, "mimeType", link.mime_type);
            put(&mut extras, "size", link.size);
            put(&mut extras, "icons", link.icons);
            Content::ResourceLink {
                uri: link.uri,
                name: link.name,
                extras,
            }
        }
        _ => return None,
    })
}

fn kept_resource(resource: ResourceContents) -> Option<Embedded> {
    let (uri, text, blob, mime_type, meta) = match resource {
        ResourceContents::TextResourceContents {
            uri,
            mime_type,
            text,
            meta,
        } => (uri, Some(text), None, mime_type, meta),
        ResourceContents::BlobResourceContents {
            uri,
            mime_type,
            blob,
            meta,
        } => (uri, None, Some(blob), mime_type, meta),
        _ => return None,
    };
    let mut extras = ContentExtras::new();
    put(&mut extras, "mimeType", mime_type);
    put(&mut extras, "_meta", meta);
    Some(Embedded {
        uri,
        text,
        blob,
        extras,
    })
}

fn beside(extras: &mut ContentExtras) -> (Option<Annotations>, Option<MetaObject>) {
    (take(extras, "annotations"), take(extras, "_meta"))
}

fn put_beside(
    extras: &mut ContentExtras,
    annotations: Option<Annotations>,
    meta: Option<MetaObject>,
) {
    put(extras, "annotations", annotations);
    put(extras, "_meta", meta);
}

fn take<T: DeserializeOwned>(extras: &mut ContentExtras, name: &str) -> Option<T> {
    // A caller that brings a result back may write anything here.
    serde_json::from_value(extras.remove(name)?).ok()
}

fn put(extras: &mut ContentExtras, name: &str, value: Option<impl Serialize>) {
    let Some(value) = value else { return };
    // By way of text, since a number of 32 bits is another one of 64.
    let value = serde_json::to_string(&value).and_then(|text| serde_json::from_str(&text));
    // None of these types holds what JSON cannot.
    if let Ok(value) = value {
        extras.insert(name.to_owned(), value);
    }
}
