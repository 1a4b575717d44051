//! What the stand-in is told to answer, in the words of the user's own message.

use serde_json::Value;

/// Before every line of a script.
const MARK: &str = "=> ";

/// One answer of the model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Blocks of content.
    Blocks(Vec<Block>),
    /// Begins to speak and then says nothing more until the client hangs up.
    Hang,
    /// Stops in the middle for reasons of safety.
    Refuse,
    /// An HTTP status, either every time or only the first time this answer is asked for.
    Fail { status: u16, once: bool },
}

/// A block of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Block {
    Text(String),
    Thinking(String),
    ToolUse { name: String, input: Value },
}

/// Finds the answer to a conversation. The script is in the last text of the user that has one: each of its lines that
/// begins with `=> ` is an answer, and `=> also ...` adds a block to the one before it. Answers are given in turn, and
/// the last one again for ever. Since the conversation itself tells how many were given, the same script goes on after
/// the client was killed and started again. An input `$name` stands for the field `name` of what a tool answered last.
///
/// ```text
/// => say Some words.
/// => think Some thoughts.
/// => use Bash {"command": "ls", "description": "lists"}
/// => use mcp__x__get {"id": "$id"}
/// => also use Read {"file_path": "/etc/hostname"}
/// => hang
/// => refuse
/// => fail 529
/// => fail 429 once
/// ```
pub(crate) fn answer(messages: &[Value]) -> Result<(Answer, String), String> {
    let scripted = messages.iter().enumerate().rev();
    let found = scripted
        .filter(|(_, message)| message["role"] == "user")
        .find_map(|(index, message)| script(message).map(|script| (index, script)));
    let Some((index, script)) = found else {
        let words = Block::Text("Nobody told me what to say.".to_owned());
        return Ok((Answer::Blocks(vec![words]), String::new()));
    };
    let answers = parse(&script)?;
    let given = messages[index..]
        .iter()
        .filter(|message| message["role"] == "assistant")
        .count();
    let step = given.min(answers.len() - 1);
    let mut answer = answers[step].clone();
    if let Answer::Blocks(blocks) = &mut answer {
        for block in blocks {
            fill_in(block, messages);
        }
    }
    Ok((answer, format!("{step} of {script}")))
}

/// Puts what tools answered in the place of their names.
fn fill_in(block: &mut Block, messages: &[Value]) {
    let Block::ToolUse { input, .. } = block else {
        return;
    };
    for value in input
        .as_object_mut()
        .into_iter()
        .flat_map(|input| input.values_mut())
    {
        let name = value.as_str().and_then(|text| text.strip_prefix('$'));
        if let Some(found) = name.and_then(|name| told(name, messages)) {
            *value = found;
        }
    }
}

/// The field of this name in the latest answer of a tool that is a JSON object with such a field.
fn told(name: &str, messages: &[Value]) -> Option<Value> {
    let blocks = messages
        .iter()
        .rev()
        .filter_map(|message| message["content"].as_array());
    let results = blocks
        .flatten()
        .filter(|block| block["type"] == "tool_result");
    let texts = results.flat_map(|result| match &result["content"] {
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect(),
        content => content.as_str().map_or_else(Vec::new, |text| vec![text]),
    });
    texts
        .filter_map(|text| serde_json::from_str::<Value>(text).ok())
        .find_map(|mut answer| answer.get_mut(name).map(Value::take))
}

/// The last text of a message that holds a script. What a tool answered is not looked at.
fn script(message: &Value) -> Option<String> {
    let texts: Vec<&str> = match &message["content"] {
        Value::String(text) => vec![text],
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect(),
        _ => vec![],
    };
    let scripts = texts.iter().rev();
    scripts
        .filter(|text| !text.starts_with("<system-reminder>"))
        .find(|text| text.lines().any(|line| line.trim().starts_with(MARK)))
        .map(|text| (*text).to_owned())
}

fn parse(script: &str) -> Result<Vec<Answer>, String> {
    let mut answers = Vec::new();
    let lines = script
        .lines()
        .filter_map(|line| line.trim().strip_prefix(MARK));
    for line in lines {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (verb, answers.last_mut()) {
            ("also", Some(Answer::Blocks(blocks))) => blocks.push(block(rest)?),
            ("hang", _) => answers.push(Answer::Hang),
            ("refuse", _) => answers.push(Answer::Refuse),
            ("fail", _) => answers.push(fail(rest)?),
            _ => answers.push(Answer::Blocks(vec![block(line)?])),
        }
    }
    Ok(answers)
}

fn block(line: &str) -> Result<Block, String> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match verb {
        "say" => Ok(Block::Text(rest.to_owned())),
        "think" => Ok(Block::Thinking(rest.to_owned())),
        "use" => {
            let (name, input) = rest.split_once(' ').unwrap_or((rest, "{}"));
            let input = serde_json::from_str(input)
                .map_err(|error| format!("`{line}` has an input that is no JSON: {error}"))?;
            let name = name.to_owned();
            Ok(Block::ToolUse { name, input })
        }
        _ => Err(format!(
            "`{line}` is no line of a script; lines begin with say, think, use, also, hang, refuse or fail"
        )),
    }
}

fn fail(rest: &str) -> Result<Answer, String> {
    let (status, once) = match rest.strip_suffix(" once") {
        Some(status) => (status, true),
        None => (rest, false),
    };
    let status = status
        .parse()
        .map_err(|error| format!("`fail {rest}` names no status: {error}"))?;
    Ok(Answer::Fail { status, once })
}
