use super::measure::{LARGEST_RECORDED, measure};
use super::options::Options;
use rmcp::model::{
    CallToolRequestParams, GetPromptRequestParams, InputResponses, JsonObject,
    ReadResourceRequestParams,
};
use serde_json::{Map, Value};

/// Longest name of a tool, prompt or resource that is told, in bytes. Clients choose them freely.
const LONGEST_NAME: usize = 200;
/// Most arguments whose types are told.
const MOST_TYPES: usize = 64;

/// A request whose call is reported.
pub(super) trait Asked {
    /// Its method.
    const METHOD: &'static str;

    /// The fields that say what is called.
    fn subject(&self, options: &Options) -> Vec<(&'static str, String)>;

    /// What it is called with.
    fn arguments(&self) -> Option<&JsonObject>;

    /// The answers to the questions of the same call before.
    fn input_responses(&self) -> Option<&InputResponses>;

    /// The fields that every event of the call has.
    fn identity(&self, options: &Options) -> Map<String, Value> {
        let method = [
            ("request_type", Self::METHOD),
            ("mcp.method.name", Self::METHOD),
        ];
        let method = method.map(|(field, value)| (field.to_owned(), value.into()));
        let subject = self.subject(options).into_iter();
        let subject = subject.map(|(field, value)| (field.to_owned(), value.into()));
        method.into_iter().chain(subject).collect()
    }

    /// Adds what is told of the arguments.
    fn tell_arguments(&self, data: &mut Map<String, Value>, options: &Options) {
        if let Some(given) = self.input_responses() {
            data.insert("input_responses".to_owned(), given.len().into());
        }
        let Some(arguments) = self.arguments() else {
            return;
        };
        let measured = measure(arguments, false);
        measured.tell_size("input_size", "input_size_is_lower_bound", data);
        let named = arguments
            .iter()
            .filter(|(name, _)| name.len() <= LONGEST_NAME);
        let types: Map<String, Value> = named
            .take(MOST_TYPES)
            .map(|(name, value)| (name.clone(), type_of(value).into()))
            .collect();
        data.insert("parameter_types".to_owned(), types.into());
        if options.arguments && measured.bytes <= LARGEST_RECORDED {
            data.insert("parameters".to_owned(), arguments.clone().into());
        }
    }
}

impl Asked for CallToolRequestParams {
    const METHOD: &'static str = "tools/call";

    fn subject(&self, _: &Options) -> Vec<(&'static str, String)> {
        let name = shortened(&self.name);
        vec![
            ("tool", name.clone()),
            ("gen_ai.tool.name", name),
            ("gen_ai.operation.name", "execute_tool".to_owned()),
        ]
    }

    fn arguments(&self) -> Option<&JsonObject> {
        self.arguments.as_ref()
    }

    fn input_responses(&self) -> Option<&InputResponses> {
        self.input_responses.as_ref()
    }
}

impl Asked for GetPromptRequestParams {
    const METHOD: &'static str = "prompts/get";

    fn subject(&self, _: &Options) -> Vec<(&'static str, String)> {
        vec![("gen_ai.prompt.name", shortened(&self.name))]
    }

    fn arguments(&self) -> Option<&JsonObject> {
        self.arguments.as_ref()
    }

    fn input_responses(&self) -> Option<&InputResponses> {
        self.input_responses.as_ref()
    }
}

impl Asked for ReadResourceRequestParams {
    const METHOD: &'static str = "resources/read";

    fn subject(&self, options: &Options) -> Vec<(&'static str, String)> {
        let told = match self.uri.split_once(['?', '#']) {
            Some((path, _)) if !options.arguments => path,
            _ => &self.uri,
        };
        vec![("mcp.resource.uri", shortened(told))]
    }

    fn arguments(&self) -> Option<&JsonObject> {
        None
    }

    fn input_responses(&self) -> Option<&InputResponses> {
        self.input_responses.as_ref()
    }
}

/// The W3C trace context `value`, unless it is none.
pub(super) fn traceparent(value: &str) -> Option<String> {
    const LONGEST: usize = 128;
    let parts: Vec<&str> = value.split('-').collect();
    let hex = |part: &str, digits: usize| {
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        part.len() == digits && part.bytes().all(lower)
    };
    let is_one = match parts[..] {
        [version, trace, span, flags, ref later @ ..] => {
            hex(version, 2)
                && version != "ff"
                && hex(trace, 32)
                && hex(span, 16)
                && hex(flags, 2)
                && (later.is_empty() || version != "00")
        }
        _ => false,
    };
    (is_one && value.len() <= LONGEST && value.bytes().all(|byte| byte.is_ascii_graphic()))
        .then(|| value.to_owned())
}

/// `text`, cut where it is too long for a name.
pub(super) fn shortened(text: &str) -> String {
    cut(text, LONGEST_NAME)
}

/// At most `bytes` bytes of `text`, and a sign where it is cut.
pub(super) fn cut(text: &str, bytes: usize) -> String {
    const SIGN: &str = "...";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes - SIGN.len());
    format!("{}{SIGN}", &text[..end])
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trace_context_is_one() {
        let one = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
        let later = "01-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01-more";
        for good in [one, later] {
            assert_eq!(traceparent(good).as_deref(), Some(good));
        }
        let upper = one.to_uppercase();
        let longer = format!("{one}-more");
        let version = one.replacen("00", "ff", 1);
        let endless = format!("{later}{}", "x".repeat(100));
        let control = format!("{later}\n");
        let bad = [
            "", "00", "hello", &upper, &longer, &version, &endless, &control,
        ];
        for bad in bad {
            assert_eq!(traceparent(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_cut_between_characters() {
        assert_eq!(shortened("short"), "short");
        let cut = shortened(&"ü".repeat(200));
        assert_eq!(cut, format!("{}...", "ü".repeat(98)));
    }
}
