use crate::domain::InvalidInput;
use serde_json::{Map, Value, json};

/// Most servers.
const SERVERS: usize = 50;
/// Largest configuration of all of them, in bytes of JSON.
const CONFIG_BYTES: usize = 1024 * 1024;
/// Longest name of a server, in bytes. The program makes names of tools of it, which are short.
const NAME_BYTES: usize = 50;

/// The file that gives `servers` to the program.
pub(crate) fn config(servers: &Map<String, Value>) -> String {
    json!({ "mcpServers": servers }).to_string()
}

/// Refuses servers that the program could not start or reach.
pub(super) fn check(servers: &Map<String, Value>) -> Result<(), InvalidInput> {
    let refuse = |field: &str, problem: String| {
        Err(InvalidInput::new(
            format!("payload.mcp_servers{field}"),
            problem,
        ))
    };
    if servers.len() > SERVERS {
        let problem = format!("has {} servers, and {SERVERS} are taken", servers.len());
        return refuse("", problem);
    }
    for (name, server) in servers {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > NAME_BYTES || !name.chars().all(known) {
            let problem = format!(
                "names a server `{}`; a name has 1 to {NAME_BYTES} letters, digits, - and _",
                super::stream::shortened(name, 100)
            );
            return refuse("", problem);
        }
        check_server(server).or_else(|problem| refuse(&format!(".{name}"), problem))?;
    }
    let bytes = config(servers).len();
    if bytes > CONFIG_BYTES {
        let problem = format!("has {bytes} bytes, and {CONFIG_BYTES} are taken");
        return refuse("", problem);
    }
    Ok(())
}

/// What is wrong with a server. No value of one is told, since keys stand among them.
fn check_server(server: &Value) -> Result<(), String> {
    let shape = "a server is {\"command\": \"...\", \"args\": [...], \"env\": {...}} or {\"type\": \"http\", \"url\": \
                 \"...\", \"headers\": {...}}";
    let Some(fields) = server.as_object() else {
        return Err(format!("is no object; {shape}"));
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = match fields.get("type") {
        None if fields.contains_key("url") => "http",
        None => "stdio",
        Some(kind) => kind.as_str().unwrap_or_default(),
    };
    match kind {
        "stdio" if text("command").trim().is_empty() => {
            return Err(format!("has no `command`; {shape}"));
        }
        "http" | "sse"
            if !["http://", "https://"]
                .iter()
                .any(|scheme| text("url").starts_with(scheme)) =>
        {
            return Err(format!("has no `url` with http:// or https://; {shape}"));
        }
        "stdio" | "http" | "sse" => {}
        _ => {
            return Err(format!(
                "is of a `type` that is none of stdio, http and sse; {shape}"
            ));
        }
    }
    if let Some(arguments) = fields.get("args") {
        let texts = arguments
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_string));
        if !texts {
            return Err(format!("has `args` that are no list of texts; {shape}"));
        }
    }
    for field in ["env", "headers"] {
        let is_map = |value: &Value| {
            value
                .as_object()
                .is_some_and(|map| map.values().all(Value::is_string))
        };
        if fields.get(field).is_some_and(|value| !is_map(value)) {
            return Err(format!("has `{field}` that are not texts by name; {shape}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(servers: &Value) -> String {
        let error = check(servers.as_object().unwrap()).unwrap_err();
        error.to_string()
    }

    #[test]
    fn servers_of_each_kind_are_taken() {
        let servers = json!({
            "a": {"command": "node", "args": ["x.js"], "env": {"KEY": "${KEY}"}},
            "b": {"type": "http", "url": "https://example.com/mcp", "headers": {"Authorization": "Bearer x"}},
            "c_d-1": {"type": "sse", "url": "http://localhost:1/sse"},
            "e": {"url": "http://localhost:1/mcp"},
        });
        check(servers.as_object().unwrap()).unwrap();
    }

    #[test]
    fn what_could_not_be_started_is_refused_without_telling_its_values() {
        for (server, word) in [
            (json!("x"), "no object"),
            (json!({}), "no `command`"),
            (json!({"type": "http", "url": "ftp://secret"}), "no `url`"),
            (
                json!({"type": "ws", "url": "http://secret"}),
                "none of stdio, http and sse",
            ),
            (
                json!({"command": "x", "args": "secret"}),
                "no list of texts",
            ),
            (json!({"command": "x", "env": {"A": 1}}), "`env`"),
            (json!({"command": "x", "env": ["secret"]}), "`env`"),
        ] {
            let said = refused(&json!({ "s": server }));
            assert!(
                said.contains(word) && said.contains("mcp_servers.s"),
                "{said}"
            );
            assert!(!said.contains("secret"), "{said}");
        }
        assert!(refused(&json!({"a b": {"command": "x"}})).contains("names a server"));
        let many: Map<String, Value> = (0..51)
            .map(|n| (format!("s{n}"), json!({"command": "x"})))
            .collect();
        assert!(refused(&Value::Object(many)).contains("51 servers"));
    }
}
