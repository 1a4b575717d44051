use crate::grandchild;
use crate::inbox::{Inbox, Stop};
use crate::lines;
use crate::turn::Host;
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// How often it looks whether a shell has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A call of a tool.
#[derive(Debug)]
struct Call {
    tool: String,
    id: String,
    input: Value,
}

impl Host {
    /// The model calls tools, which run if they are permitted. All that the host is to permit is asked before any of them
    /// runs.
    pub(crate) async fn call(
        &mut self,
        inbox: &mut Inbox,
        calls: &[(String, String)],
    ) -> Result<(), Stop> {
        let mut asked = Vec::new();
        for (tool, input) in calls {
            let call = self.begin(tool, input);
            if self.may_use(tool) {
                let input = call.input.clone();
                self.finish(inbox, &call, Ok(input)).await?;
            } else if self.flags.asks_host {
                asked.push((ask(&call), call));
            } else {
                let message = self.refuse(&call);
                self.finish(inbox, &call, Err(message)).await?;
            }
        }
        while !asked.is_empty() {
            let ids: Vec<&str> = asked.iter().map(|(id, _)| &**id).collect();
            let answer = match inbox.answer(&ids).await {
                Ok(answer) => answer,
                Err(stop) => {
                    for id in ids {
                        retract(id);
                    }
                    return Err(stop);
                }
            };
            let place = answer.as_ref().map_or(0, |(answered, _)| {
                let place = ids.iter().position(|id| id == answered);
                place.unwrap_or_default()
            });
            let (request_id, call) = asked.remove(place);
            let verdict = match answer {
                None => Err("Tool permission request failed: AbortError: Stream closed".to_owned()),
                Some((_, answer)) => {
                    lines::write(&lines::control_response(&request_id, &answer));
                    verdict(&answer, &call.input)
                }
            };
            self.finish(inbox, &call, verdict).await?;
        }
        Ok(())
    }

    /// The model calls a tool, the host is asked, and once there is the file `until` nobody waits for an answer any more.
    pub(crate) async fn call_in_vain(
        &mut self,
        inbox: &mut Inbox,
        until: &str,
        (tool, input): (&str, &str),
    ) -> Result<(), Stop> {
        let call = self.begin(tool, input);
        let request_id = ask(&call);
        while !Path::new(until).exists() {
            inbox.pause(LOOK_EVERY).await?;
        }
        retract(&request_id);
        self.finish(inbox, &call, Err("it took too long".to_owned()))
            .await
    }

    fn begin(&mut self, tool: &str, input: &str) -> Call {
        let call = Call {
            tool: tool.to_owned(),
            id: format!("toolu_{}", lines::id()),
            input: serde_json::from_str(input).unwrap_or_else(|_| json!({})),
        };
        self.say(&json!({"type": "tool_use", "id": call.id, "name": tool, "input": call.input}));
        self.session.answered();
        call
    }

    async fn finish(
        &mut self,
        inbox: &mut Inbox,
        call: &Call,
        verdict: Result<Value, String>,
    ) -> Result<(), Stop> {
        let answer = match verdict {
            Ok(input) => self.run(inbox, &call.tool, &input).await?,
            Err(message) => {
                self.denials.push(json!({
                    "tool_name": call.tool, "tool_use_id": call.id, "tool_input": call.input,
                }));
                Err(message)
            }
        };
        let is_error = answer.is_err();
        let text = answer.unwrap_or_else(|text| text);
        let block = json!({"type": "tool_result", "tool_use_id": call.id, "content": text, "is_error": is_error});
        lines::write(&lines::user(&self.session.id, &block));
        Ok(())
    }

    /// Nobody can be asked.
    fn refuse(&self, Call { tool, id, .. }: &Call) -> String {
        let message =
            format!("Claude requested permissions to use {tool}, but you haven't granted it yet.");
        lines::write(&json!({
            "type": "system", "subtype": "permission_denied", "tool_name": tool, "tool_use_id": id,
            "message": message, "session_id": &*self.session.id, "uuid": lines::id(),
        }));
        message
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

/// Asks the host whether a tool may be used, and returns the id of the request.
fn ask(call: &Call) -> String {
    let request_id = lines::id();
    lines::write(&json!({
        "type": "control_request", "request_id": request_id,
        "request": {
            "subtype": "can_use_tool", "tool_name": call.tool, "display_name": call.tool, "input": call.input,
            "permission_suggestions": [], "tool_use_id": call.id,
        },
    }));
    request_id
}

fn retract(request_id: &str) {
    lines::write(&json!({"type": "control_cancel_request", "request_id": request_id}));
}

/// The input with which the tool may run, or why it may not.
fn verdict(answer: &Value, input: &Value) -> Result<Value, String> {
    match (answer["behavior"].as_str(), answer["message"].as_str()) {
        (Some("allow"), _) => Ok(match &answer["updatedInput"] {
            Value::Null => input.clone(),
            updated => updated.clone(),
        }),
        (Some("deny"), Some(message)) => Err(message.to_owned()),
        _ => Err("Tool permission request failed: the answer is of no known form".to_owned()),
    }
}
