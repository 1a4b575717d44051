use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CreateTaskResult,
    ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult, InputRequiredResult,
    JsonObject, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, PromptMessage,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ResourceContents, Role,
    ServerCapabilities, ServerConfig, Task, TaskStatus, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;

/// A small server with a tool for each way in which a call can end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kitchen {
    /// Told when a call of `wait` has begun.
    pub(crate) waiting: Arc<Notify>,
}

pub(crate) const TOOLS: [&str; 7] = ["echo", "burn", "refuse", "crash", "wait", "task", "ask"];

/// Another one, which is not listed: it waits until it is cancelled, and answers as if nothing had happened.
pub(crate) const FINISH: &str = "finish";

impl ServerHandler for Kitchen {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_tasks()
            .build();
        ServerConfig::new(capabilities)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema: JsonObject = serde_json::from_value(json!({"type": "object"})).unwrap();
        let tools = TOOLS.map(|name| Tool::new(name, "a tool", Arc::new(schema.clone())));
        Ok(ListToolsResult::with_all_items(tools.into()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::from(request.arguments.unwrap_or_default());
        Ok(match &*request.name {
            "echo" => {
                let text = ContentBlock::text(arguments.to_string());
                let mut result = CallToolResult::success(vec![text]);
                result.structured_content = Some(arguments);
                result.into()
            }
            "burn" => CallToolResult::error(vec![ContentBlock::text("the soup is burnt")]).into(),
            "refuse" => return Err(ErrorData::invalid_params("no such dish", None)),
            "crash" => panic!("the pan fell"),
            "wait" => {
                self.waiting.notify_one();
                if let Some(token) = context.meta.get_progress_token() {
                    let begun = ProgressNotificationParam::new(token, 0.0);
                    context.peer.notify_progress(begun).await.unwrap();
                }
                context.ct.cancelled().await;
                return Err(ErrorData::internal_error("given up", None));
            }
            FINISH => {
                self.waiting.notify_one();
                context.ct.cancelled().await;
                CallToolResult::success(vec![ContentBlock::text("it is done")]).into()
            }
            "task" => {
                let at = "2026-11-20T10:00:00Z";
                let task = Task::new("task-7", TaskStatus::Working, at, at);
                CreateTaskResult::new(task).into()
            }
            "ask" => InputRequiredResult::from_request_state("state").into(),
            name => return Err(ErrorData::invalid_params(format!("no tool {name}"), None)),
        })
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if request.name != "menu" {
            return Err(ErrorData::invalid_params("no such prompt", None));
        }
        // As servers do that have their arguments parsed for them.
        let guests = request
            .arguments
            .and_then(|mut given| given.remove("guests"));
        if let Some(Err(error)) = guests.map(serde_json::from_value::<u32>) {
            let message = format!("Failed to parse parameters: {error}");
            return Err(ErrorData::invalid_params(message, None));
        }
        let message = PromptMessage::new_text(Role::User, "what is there to eat?");
        Ok(GetPromptResult::new(vec![message]).into())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if !request.uri.starts_with("kitchen://stock") {
            let message = format!("there is no {}", request.uri);
            return Err(ErrorData::resource_not_found(message, None));
        }
        let contents = ResourceContents::text("three onions", request.uri);
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}
