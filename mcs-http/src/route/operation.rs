use super::parameter::{Parameter, Place};
use super::schemas::{SchemaOf, schema_of};
use super::tag::Tag;
use crate::view::IdForm;
use axum::http::Method;
use axum::routing::MethodFilter;
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde_json::Value;
use std::collections::BTreeSet;

/// One method of one path: who may call it, what it takes and what it answers.
///
/// Whoever is not said to be let in is kept out: an operation needs a caller who is known, unless it is [`open`].
///
/// [`open`]: Operation::open
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(super) method: Method,
    pub(super) filter: MethodFilter,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) tag: Tag,
    pub(super) open: bool,
    /// Whether it changes something although its method only reads.
    pub(super) changes: bool,
    pub(super) scopes: Vec<Scope>,
    pub(super) summary: &'static str,
    pub(super) description: Option<&'static str>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) query: Option<SchemaOf>,
    pub(super) body: Option<Body>,
    pub(super) answers: Vec<Answer>,
    pub(super) refusals: BTreeSet<u16>,
}

/// The JSON that an operation takes.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) schema: SchemaOf,
    pub(super) required: bool,
    pub(super) examples: Vec<(&'static str, Value)>,
}

/// What an operation answers where all is well.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) content: Option<Content>,
    pub(super) headers: Vec<(&'static str, &'static str)>,
}

/// The body of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content {
    /// JSON of this schema.
    Json(SchemaOf),
    /// Something else, of this media type.
    Other(&'static str),
}

impl Operation {
    pub(crate) fn get(path: &'static str, id: &'static str) -> Self {
        Self::new(Method::GET, MethodFilter::GET, path, id)
    }

    pub(crate) fn post(path: &'static str, id: &'static str) -> Self {
        Self::new(Method::POST, MethodFilter::POST, path, id)
    }

    pub(crate) fn patch(path: &'static str, id: &'static str) -> Self {
        Self::new(Method::PATCH, MethodFilter::PATCH, path, id)
    }

    pub(crate) fn delete(path: &'static str, id: &'static str) -> Self {
        Self::new(Method::DELETE, MethodFilter::DELETE, path, id)
    }

    fn new(method: Method, filter: MethodFilter, path: &'static str, id: &'static str) -> Self {
        Self {
            method,
            filter,
            path,
            id,
            tag: Tag::Service,
            open: false,
            changes: false,
            scopes: Vec::new(),
            summary: "",
            description: None,
            parameters: Vec::new(),
            query: None,
            body: None,
            answers: Vec::new(),
            refusals: BTreeSet::new(),
        }
    }

    /// The section of the reference that it is in.
    pub(crate) fn tag(mut self, tag: Tag) -> Self {
        self.tag = tag;
        self
    }

    /// Anybody may call it, without a key.
    pub(crate) fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// It changes something, although its method is one that others take to only read.
    pub(crate) fn changes(mut self) -> Self {
        self.changes = true;
        self
    }

    /// The caller needs `scope`. Said twice, it needs both.
    pub(crate) fn needs(mut self, scope: Scope) -> Self {
        self.scopes.push(scope);
        self
    }

    /// What it does, in one line.
    pub(crate) fn says(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// What else there is to know, in Markdown.
    pub(crate) fn more(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// A part of the path: a text.
    pub(crate) fn path_parameter(mut self, name: &'static str, meaning: &'static str) -> Self {
        let schema = schema_of::<String>();
        self.parameters
            .push(Parameter::new(Place::Path, name, meaning, schema));
        self
    }

    /// The part `{id}` of the path: a task, which may not be there.
    pub(crate) fn task_id(mut self) -> Self {
        let schema = schema_of::<IdForm>();
        let parameter = Parameter::new(Place::Path, "id", "The task.", schema);
        self.parameters.push(parameter);
        self.refuses(&[404])
    }

    /// A header that it looks at.
    pub(crate) fn header(mut self, name: &'static str, meaning: &'static str) -> Self {
        let schema = schema_of::<String>();
        self.parameters
            .push(Parameter::new(Place::Header, name, meaning, schema));
        self
    }

    /// The parameters behind the `?`: a parameter for each field of `Q`.
    pub(crate) fn query<Q: JsonSchema>(mut self) -> Self {
        self.query = Some(schema_of::<Q>());
        self
    }

    /// The JSON that it takes.
    pub(crate) fn body<B: JsonSchema>(self) -> Self {
        self.takes(schema_of::<B>(), true)
    }

    /// The JSON that it takes, which may be left out.
    pub(crate) fn optional_body<B: JsonSchema>(self) -> Self {
        self.takes(schema_of::<B>(), false)
    }

    fn takes(mut self, schema: SchemaOf, required: bool) -> Self {
        self.body = Some(Body {
            schema,
            required,
            examples: Vec::new(),
        });
        self
    }

    /// A body that shows how it is called. Comes after the body.
    pub(crate) fn example(mut self, name: &'static str, value: Value) -> Self {
        if let Some(body) = &mut self.body {
            body.examples.push((name, value));
        }
        self
    }

    /// It answers JSON.
    pub(crate) fn answers<T: JsonSchema>(self, status: u16, description: &'static str) -> Self {
        let content = Content::Json(schema_of::<T>());
        self.answer(status, description, Some(content))
    }

    /// It answers with no body.
    pub(crate) fn answers_nothing(self, status: u16, description: &'static str) -> Self {
        self.answer(status, description, None)
    }

    /// It answers something that is not JSON.
    pub(crate) fn answers_as(
        self,
        status: u16,
        media_type: &'static str,
        description: &'static str,
    ) -> Self {
        self.answer(status, description, Some(Content::Other(media_type)))
    }

    /// It answers a stream of server-sent events.
    pub(crate) fn streams(self, description: &'static str) -> Self {
        self.answers_as(200, "text/event-stream", description)
    }

    fn answer(mut self, status: u16, description: &'static str, content: Option<Content>) -> Self {
        self.answers.push(Answer {
            status,
            description,
            content,
            headers: Vec::new(),
        });
        self
    }

    /// A header of the answer that was given last.
    pub(crate) fn sets(mut self, name: &'static str, meaning: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push((name, meaning));
        }
        self
    }

    /// Statuses with which it refuses, beside those that come of who may call it and of what it takes.
    pub(crate) fn refuses(mut self, statuses: &[u16]) -> Self {
        self.refusals.extend(statuses);
        self
    }

    /// Every status with which it refuses.
    pub(super) fn refusals(&self) -> BTreeSet<u16> {
        // Anything may take too long, fail, or come to a server that is at its end.
        let mut all = BTreeSet::from([500, 503]);
        all.extend(&self.refusals);
        if !self.open {
            all.extend([401, 403, 429]);
        }
        if self.query.is_some() || !self.parameters.is_empty() {
            all.extend([400, 422]);
        }
        if self.body.is_some() {
            all.extend([400, 408, 413, 415, 422]);
        }
        all
    }
}
