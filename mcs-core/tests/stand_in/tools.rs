use crate::grandchild;
use crate::inbox::{Inbox, Stop};
use crate::lines;
use crate::turn::Host;
use serde_json::{Value, json};
use std::io::Read as _;
use std::time::Duration;

/// How often it looks whether a shell has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

impl Host {
    /// The model calls a tool, which runs if it is permitted.
    pub(crate) async fn call(
        &mut self,
        inbox: &mut Inbox,
        tool: &str,
        input: &str,
    ) -> Result<(), Stop> {
        let input: Value = serde_json::from_str(input).unwrap_or_else(|_| json!({}));
        let id = format!("toolu_{}", lines::id());
        self.say(&json!({"type": "tool_use", "id": id, "name": tool, "input": input}));
        self.session.answered();
        let answer = match self.permission(inbox, tool, &id, &input).await? {
            Ok(input) => self.run(inbox, tool, &input).await?,
            Err(message) => {
                self.denials
                    .push(json!({"tool_name": tool, "tool_use_id": id, "tool_input": input}));
                Err(message)
            }
        };
        let is_error = answer.is_err();
        let text = answer.unwrap_or_else(|text| text);
        let block = json!({"type": "tool_result", "tool_use_id": id, "content": text, "is_error": is_error});
        lines::write(&lines::user(&self.session.id, &block));
        Ok(())
    }

    /// The input with which the tool may run, or why it may not.
    async fn permission(
        &mut self,
        inbox: &mut Inbox,
        tool: &str,
        id: &str,
        input: &Value,
    ) -> Result<Result<Value, String>, Stop> {
        if self.may_use(tool) {
            return Ok(Ok(input.clone()));
        }
        if !self.flags.asks_host {
            let message = format!(
                "Claude requested permissions to use {tool}, but you haven't granted it yet."
            );
            lines::write(&json!({
                "type": "system", "subtype": "permission_denied", "tool_name": tool, "tool_use_id": id,
                "message": message, "session_id": &*self.session.id, "uuid": lines::id(),
            }));
            return Ok(Err(message));
        }
        let request_id = lines::id();
        lines::write(&json!({
            "type": "control_request", "request_id": request_id,
            "request": {
                "subtype": "can_use_tool", "tool_name": tool, "display_name": tool, "input": input,
                "permission_suggestions": [], "tool_use_id": id,
            },
        }));
        let answer = match inbox.answer(&request_id).await {
            Ok(answer) => answer,
            Err(stop) => {
                lines::write(&json!({"type": "control_cancel_request", "request_id": request_id}));
                return Err(stop);
            }
        };
        let closed = "Tool permission request failed: AbortError: Stream closed";
        let Some(answer) = answer else {
            return Ok(Err(closed.to_owned()));
        };
        lines::write(&lines::control_response(&request_id, &answer));
        Ok(
            match (answer["behavior"].as_str(), answer["message"].as_str()) {
                (Some("allow"), _) => Ok(match &answer["updatedInput"] {
                    Value::Null => input.clone(),
                    updated => updated.clone(),
                }),
                (Some("deny"), Some(message)) => Err(message.to_owned()),
                _ => {
                    Err("Tool permission request failed: the answer is of no known form".to_owned())
                }
            },
        )
    }

    fn may_use(&self, tool: &str) -> bool {
        let named = |pattern: &String| pattern.split('(').next() == Some(tool);
        match self.flags.permission_mode.as_deref() {
            Some("bypassPermissions") => true,
            Some("acceptEdits") if ["Write", "Edit"].contains(&tool) => true,
            _ => self.flags.allowed_tools.iter().any(named),
        }
    }

    async fn run(
        &mut self,
        inbox: &mut Inbox,
        tool: &str,
        input: &Value,
    ) -> Result<Result<String, String>, Stop> {
        let text = |name: &str| input[name].as_str().unwrap_or_default();
        match tool {
            "Write" => {
                let written = std::fs::write(text("file_path"), text("content"));
                Ok(written.map_or_else(
                    |error| Err(error.to_string()),
                    |()| Ok("written".to_owned()),
                ))
            }
            "Bash" => self.shell(inbox, text("command")).await,
            other => Ok(Ok(format!("{other} did nothing"))),
        }
    }

    async fn shell(
        &mut self,
        inbox: &mut Inbox,
        command: &str,
    ) -> Result<Result<String, String>, Stop> {
        let mut child = match grandchild::shell(command) {
            Ok(child) => child,
            Err(error) => return Ok(Err(error.to_string())),
        };
        self.session.set_shell(Some(child.id()));
        // Somebody has to read, or a shell that writes much would wait for ever.
        let out = child.stdout.take();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = out.map(|mut out| out.read_to_string(&mut text));
            text
        });
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(error) => return Ok(Err(error.to_string())),
            }
            if let Err(stop) = inbox.pause(LOOK_EVERY).await {
                self.session.kill_shell();
                let _ = child.wait();
                return Err(stop);
            }
        };
        self.session.set_shell(None);
        let text = reader.join().unwrap_or_default();
        Ok(if status.success() {
            Ok(text)
        } else {
            Err(format!("{status}: {text}"))
        })
    }
}
