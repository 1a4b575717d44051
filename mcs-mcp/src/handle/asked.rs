use crate::view::cut_to;
use mcs_core::domain::{
    Approval, ApprovalAnswer, Decision, InputRequest, InvalidInput, Json, check_text, limits,
};
use rmcp::model::{
    self, ConstTitle, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema, EnumSchema, SingleSelectEnumSchema, StringSchema,
    TitledSingleSelectEnumSchema,
};
use serde_json::{Map, Value};

/// Most that a form shows of a question, in characters. Whoever decides on it should see all that matters.
const SHOWN_CHARS: usize = 8_000;
/// The field of the form that an approval is.
const DECISION: &str = "decision";
/// The field of the form that any other question is.
const ANSWER: &str = "answer";

/// What a stored question asks for.
enum Asked {
    /// Whether a tool may be used.
    Approval(Approval),
    /// What an MCP server asked its client, which is passed on as it is.
    Request(Box<model::InputRequest>),
    /// Anything else, in words.
    Words(String),
}

impl Asked {
    fn of(question: &InputRequest) -> Self {
        if let Some(approval) = Approval::of(&question.request) {
            return Self::Approval(approval);
        }
        match question.request.parse() {
            Ok(request) => Self::Request(Box::new(request)),
            Err(_) => Self::Words(words(&question.request)),
        }
    }
}

/// The question as a client is asked it.
pub(super) fn request(question: &InputRequest) -> model::InputRequest {
    let (message, form) = match Asked::of(question) {
        Asked::Request(request) => return *request,
        Asked::Approval(approval) => (approval_words(&approval), approval_form()),
        Asked::Words(words) => (words, text_form()),
    };
    let form = ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema: form,
    };
    model::InputRequest::Elicitation(ElicitRequest::new(form))
}

/// A client's response as the answer that is stored, or what is wrong with it.
///
/// An approval that was declined or dismissed is a denial. To a question of another kind the answer is the text of the
/// form, or, where there is none, `{"action": "decline"}` or `{"action": "cancel"}`. What an MCP server asked is answered
/// with the response as it is.
pub(super) fn answer(question: &InputRequest, response: Value) -> Result<Json, InvalidInput> {
    let answer = match Asked::of(question) {
        Asked::Request(request) => {
            check_response(&request, &response)?;
            Json::from(response)
        }
        Asked::Approval(_) => decided(elicited(response)?)?.to_json(),
        Asked::Words(_) => told(elicited(response)?)?,
    };
    check_text("response", answer.as_str(), limits::INPUT_BYTES)?;
    Ok(answer)
}

fn approval_words(approval: &Approval) -> String {
    let directory = approval.work_directory.as_deref();
    let directory = directory.map_or(String::new(), |directory| format!("\nIn {directory}"));
    let expiry = approval.expires_at.map_or(String::new(), |until| {
        format!("\nWithout an answer it is denied at {until}.")
    });
    let input = cut_to(&approval.input.to_string(), SHOWN_CHARS);
    format!(
        "{}\nTool {}, input {input}{directory}{expiry}",
        cut_to(&approval.message, SHOWN_CHARS),
        approval.tool
    )
}

fn approval_form() -> ElicitationSchema {
    let choices = Decision::ALL.map(|decision| ConstTitle::new(decision.as_str(), title(decision)));
    let mut decision = TitledSingleSelectEnumSchema::new(choices.to_vec());
    decision.title = Some("Decision".into());
    let reason = StringSchema::new()
        .title("Reason")
        .description("Told to whoever wanted to use the tool.");
    ElicitationSchema::builder()
        .required_enum_schema(
            DECISION,
            EnumSchema::Single(SingleSelectEnumSchema::Titled(decision)),
        )
        .string_property("reason", |_| reason)
        .build_unchecked()
}

const fn title(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "Allow this once",
        Decision::AllowAlways => "Allow for the rest of this task",
        Decision::Deny => "Deny",
    }
}

fn text_form() -> ElicitationSchema {
    ElicitationSchema::builder()
        .required_string_property(ANSWER, |text| text.title("Answer"))
        .build_unchecked()
}

/// A question in words: its text, or the one that it has where questions have it, or all of it.
fn words(request: &Json) -> String {
    let value: Value = request.parse().unwrap_or_default();
    let text = match &value {
        Value::String(text) => Some(text.as_str()),
        Value::Object(fields) => ["message", "question", "prompt"]
            .iter()
            .find_map(|name| fields.get(*name)?.as_str()),
        _ => None,
    };
    cut_to(text.unwrap_or(request.as_str()), SHOWN_CHARS)
}

fn elicited(response: Value) -> Result<ElicitResult, InvalidInput> {
    serde_json::from_value(response).map_err(|_| {
        let shape = r#"{"action": "accept" | "decline" | "cancel", "content": {...}}"#;
        InvalidInput::new(
            "action",
            format!("is missing or not known; this takes {shape}"),
        )
    })
}

fn decided(result: ElicitResult) -> Result<ApprovalAnswer, InvalidInput> {
    match result.action {
        ElicitationAction::Accept => {
            let mut fields = fields(result.content)?;
            // Forms send the fields that were left empty, too.
            fields.retain(|name, value| name != "reason" || value != "");
            let fields = Json::from(Value::Object(fields));
            ApprovalAnswer::parse(&fields).map_err(in_content)
        }
        ElicitationAction::Decline => Ok(ApprovalAnswer::deny("the user declined")),
        _ => Ok(ApprovalAnswer::deny("the user dismissed the question")),
    }
}

fn told(result: ElicitResult) -> Result<Json, InvalidInput> {
    if !matches!(result.action, ElicitationAction::Accept) {
        return Ok(serde_json::json!({ "action": result.action }).into());
    }
    match fields(result.content)?.remove(ANSWER) {
        Some(Value::String(text)) => Ok(Value::String(text).into()),
        _ => Err(InvalidInput::new(
            format!("content.{ANSWER}"),
            "is missing or no text; this question takes a text there",
        )),
    }
}

fn fields(content: Option<Value>) -> Result<Map<String, Value>, InvalidInput> {
    if let Some(Value::Object(fields)) = content {
        return Ok(fields);
    }
    let problem =
        "is missing or no object; give the fields of the form, as its requestedSchema has them";
    Err(InvalidInput::new("content", problem))
}

/// The same refusal for a field where MCP has it.
fn in_content(refused: InvalidInput) -> InvalidInput {
    InvalidInput {
        field: refused.field.replacen("response", "content", 1),
        ..refused
    }
}

/// Refuses what the server that asked could not read.
fn check_response(request: &model::InputRequest, response: &Value) -> Result<(), InvalidInput> {
    match request {
        // A client that could not answer says why, and the server that asked is told so.
        _ if is_error(response) => Ok(()),
        model::InputRequest::Elicitation(_) => elicited(response.clone()).map(|_| ()),
        _ if response.is_object() => Ok(()),
        _ => {
            let problem = "is no object; give the result of the request as MCP has it";
            Err(InvalidInput::new("response", problem))
        }
    }
}

fn is_error(response: &Value) -> bool {
    let error = response.get("error").cloned();
    error.is_some_and(|error| serde_json::from_value::<model::ErrorData>(error).is_ok())
}
