//! Who may call a durable tool, and which tasks are the server's own.

use crate::client::{Client, MODERN, takes_tasks};
use crate::tools::{Tools, memory};
use mcs_core::service::{Principal, Scope, Scopes};
use mcs_mcp::durable::{Durable, Policy};
use rmcp::ServerHandler;
use rmcp::model::*;
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};

/// Shows its tools to clients that try something out, and has tasks of its own.
#[derive(Debug, Clone)]
struct Choosy(Tools);

impl ServerHandler for Choosy {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_tasks();
        ServerConfig::new(capabilities.build())
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let client = context.client_capabilities().unwrap_or_default();
        if client.experimental.is_none() {
            return Ok(ListToolsResult::default());
        }
        self.0.list_tools(page, context).await
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let client = context.client_capabilities().unwrap_or_default();
        if client.experimental.is_none() {
            return Err(ErrorData::new(ErrorCode(-32055), "not for you", None));
        }
        self.0.call_tool(request, context).await
    }

    async fn get_task(
        &self,
        _: GetTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        Err(ErrorData::new(ErrorCode(-32077), "its own", None))
    }

    async fn update_task(
        &self,
        _: UpdateTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Err(ErrorData::new(ErrorCode(-32077), "its own", None))
    }
}

fn sees() -> Value {
    let mut client = takes_tasks();
    client["experimental"] = json!({"sees": {}});
    client
}

#[tokio::test]
async fn a_tool_that_one_caller_sees_is_not_there_for_another() {
    let durable = Durable::new(Choosy(Tools::new()), memory().await).named("choosy");
    let durable = durable.tool("everything", Policy::new()).unwrap();
    let mut one = Client::connect(durable.clone(), MODERN, sees()).await;
    one.task("everything", json!({})).await;
    let mut other = Client::connect(durable, MODERN, takes_tasks()).await;
    let call = json!({"name": "everything"});
    let refused = other.request("tools/call", call).await;
    assert_eq!(refused["error"]["code"], -32055, "{refused}");
}

#[tokio::test]
async fn a_call_is_let_in_before_it_is_stored() {
    let durable = Tools::new().durable(&memory().await, &Policy::new());
    let durable = durable.admit(|request, _| match &request.arguments {
        Some(arguments) if arguments.contains_key("please") => Ok(()),
        _ => Err(ErrorData::new(ErrorCode(-32056), "say please", None)),
    });
    let mut client = Client::connect(durable, MODERN, takes_tasks()).await;
    client.task("everything", json!({"please": 1})).await;
    let call = json!({"name": "everything", "arguments": {}});
    let refused = client.request("tools/call", call).await;
    assert_eq!(refused["error"]["code"], -32056, "{refused}");
}

#[tokio::test]
async fn a_task_belongs_to_whoever_made_it() {
    let durable = Durable::new(Choosy(Tools::new()), memory().await).named("choosy");
    let durable = durable.tool("confirm", Policy::new()).unwrap();
    let mut client = Client::connect(durable, MODERN, sees()).await;
    let id = client.task("confirm", json!({})).await;
    assert_eq!(client.settled(&id).await["status"], "input_required");
    let refused = client.update(&id, json!({"name": {}})).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    let its_own = client.update("its-own", json!({})).await;
    assert_eq!(its_own["error"]["code"], -32077, "{its_own}");
    let its_own = client
        .request("tasks/get", json!({"taskId": "its-own"}))
        .await;
    assert_eq!(its_own["error"]["code"], -32077, "{its_own}");
}

#[tokio::test]
async fn a_call_of_one_caller_is_not_there_for_another() {
    let tools = Tools::new();
    let durable = tools.durable(&memory().await, &Policy::new());
    let as_who = |name: &str| {
        let scopes = Scopes::of(&[Scope::Read, Scope::Write]);
        durable.clone().callers(Principal::new(name, scopes))
    };
    let elicits = json!({"elicitation": {"form": {}}});
    let call = json!({"name": "confirm", "_meta": {"mcs/idempotencyKey": "mine"}});
    let mut ada = Client::connect(as_who("ada"), MODERN, elicits.clone()).await;
    let hers = ada.request("tools/call", call.clone()).await;
    let state = &hers["result"]["requestState"];
    let id = state.as_str().unwrap().strip_prefix("mcs-task:").unwrap();

    let mut bob = Client::connect(as_who("bob"), MODERN, elicits).await;
    let his = bob.request("tools/call", call).await;
    assert_ne!(&his["result"]["requestState"], state, "{his}");
    let foreign = json!({"name": "confirm", "requestState": state});
    let refused = bob.request("tools/call", foreign).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    let mut bob = Client::connect(as_who("bob"), MODERN, takes_tasks()).await;
    let refused = bob.request("tasks/get", json!({"taskId": id})).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
}
