//! Whatever a `ServerHandler` can do, one with durable tools does as the server inside does it.
#![expect(
    deprecated,
    reason = "clients of earlier protocols still ask for what the latest has not"
)]

use crate::tools::memory;
use crate::trait_methods::methods_of_the_trait;
use mcs_mcp::durable::Durable;
use rmcp::ServerHandler;
use rmcp::model::*;
use rmcp::service::{
    NotificationContext, RequestContext, RoleServer, SubscriptionContext, serve_directly,
};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

/// Answers every method with its name and what it was given.
#[derive(Debug, Clone)]
struct Echo(mpsc::Sender<String>);

fn echo<T>(method: &str, given: impl Debug) -> Result<T, ErrorData> {
    let said = format!("{method} {given:?}");
    Err(ErrorData::new(ErrorCode(-32000), said, None))
}

/// Defines the methods that take a request, and asks a server each of them.
macro_rules! requests {
    ($($method:ident($($request:ty = $json:expr)?) -> $answer:ty;)+) => {
        macro_rules! echoed_requests {
            () => {$(
                async fn $method(
                    &self,
                    $(request: $request,)?
                    _: RequestContext<RoleServer>,
                ) -> Result<$answer, ErrorData> {
                    echo(stringify!($method), ($({ let request: $request = request; request })?))
                }
            )+};
        }

        async fn ask_requests(
            server: &impl ServerHandler,
            context: impl Fn() -> RequestContext<RoleServer>,
            seen: &mut BTreeMap<String, String>,
        ) {
            $(
                let answer = server.$method(
                    $(serde_json::from_value::<$request>($json).unwrap(),)?
                    context(),
                );
                let answer = answer.await.map(drop);
                seen.insert(stringify!($method).into(), format!("{answer:?}"));
            )+
        }
    };
}

requests! {
    ping() -> ();
    initialize(InitializeRequestParams = hello()) -> InitializeResult;
    discover() -> DiscoverResult;
    complete(CompleteRequestParams = json!({"ref": {"type": "ref/prompt", "name": "p"},
        "argument": {"name": "a", "value": "v"}})) -> CompleteResult;
    set_level(SetLevelRequestParams = json!({"level": "error"})) -> ();
    get_prompt(GetPromptRequestParams = json!({"name": "p"})) -> GetPromptResponse;
    list_prompts(Option<PaginatedRequestParams> = json!({"cursor": "a"})) -> ListPromptsResult;
    list_resources(Option<PaginatedRequestParams> = json!({"cursor": "b"})) -> ListResourcesResult;
    list_resource_templates(Option<PaginatedRequestParams> = json!({"cursor": "c"})) -> ListResourceTemplatesResult;
    read_resource(ReadResourceRequestParams = json!({"uri": "a://b"})) -> ReadResourceResponse;
    subscribe(SubscribeRequestParams = json!({"uri": "a://c"})) -> ();
    unsubscribe(UnsubscribeRequestParams = json!({"uri": "a://d"})) -> ();
    call_tool(CallToolRequestParams = json!({"name": "t", "arguments": {"x": [1]}})) -> CallToolResponse;
    list_tools(Option<PaginatedRequestParams> = json!({"cursor": "d"})) -> ListToolsResult;
    on_custom_request(CustomRequest = json!({"method": "mine", "params": {"a": 1}})) -> CustomResult;
    get_task(GetTaskParams = json!({"taskId": "1"})) -> GetTaskResult;
    update_task(UpdateTaskParams = json!({"taskId": "2", "inputResponses": {}})) -> ();
    cancel_task(CancelTaskParams = json!({"taskId": "3"})) -> ();
    list_skills(Option<PaginatedRequestParams> = json!({"cursor": "e"})) -> ListSkillsResult;
    get_skill(GetSkillRequestParams = json!({"uri": "skill://b"})) -> GetSkillResult;
    read_resource_directory(ReadResourceDirectoryRequestParams = json!({"uri": "a://e/"})) -> ReadResourceDirectoryResult;
}

impl Echo {
    async fn heard(&self, method: &str, given: impl Debug) {
        self.0.send(format!("{method} {given:?}")).await.unwrap();
    }
}

impl ServerHandler for Echo {
    echoed_requests!();

    async fn on_cancelled(
        &self,
        given: CancelledNotificationParam,
        _: NotificationContext<RoleServer>,
    ) {
        self.heard("on_cancelled", given).await;
    }

    async fn on_progress(
        &self,
        given: ProgressNotificationParam,
        _: NotificationContext<RoleServer>,
    ) {
        self.heard("on_progress", given).await;
    }

    async fn on_initialized(&self, _: NotificationContext<RoleServer>) {
        self.heard("on_initialized", ()).await;
    }

    async fn on_roots_list_changed(&self, _: NotificationContext<RoleServer>) {
        self.heard("on_roots_list_changed", ()).await;
    }

    async fn on_custom_notification(
        &self,
        given: CustomNotification,
        _: NotificationContext<RoleServer>,
    ) {
        self.heard("on_custom_notification", given).await;
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.heard("listen", context.requested()).await;
        Ok(())
    }

    fn negotiate_initialize(
        &self,
        request: &InitializeRequestParams,
    ) -> Result<InitializeResult, ErrorData> {
        echo("negotiate_initialize", request)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        vec![ProtocolVersion::V_2026_07_28, ProtocolVersion::V_2024_11_05].into()
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        Some(Tool::new(
            name.to_owned(),
            "from get_tool",
            JsonObject::new(),
        ))
    }

    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_tasks()
            .build();
        ServerConfig::new(capabilities).with_instructions("from get_info")
    }
}

fn hello() -> Value {
    json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}})
}

/// What the library alone calls, and the message that makes it.
fn messages() -> Vec<Value> {
    let said =
        |method: &str, params: Value| json!({"jsonrpc": "2.0", "method": method, "params": params});
    let mut listen = said(
        "subscriptions/listen",
        json!({
            "notifications": {"toolsListChanged": true},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        }),
    );
    listen["id"] = 1.into();
    vec![
        said(
            "notifications/cancelled",
            json!({"requestId": 9, "reason": "why"}),
        ),
        said(
            "notifications/progress",
            json!({"progressToken": 1, "progress": 0.5}),
        ),
        said("notifications/initialized", json!({})),
        said("notifications/roots/list_changed", json!({})),
        said("notifications/of_my_own", json!({"a": 1})),
        listen,
    ]
}

/// Every method, and what a server answers or is told.
async fn ask_everything<S: ServerHandler + Clone>(
    wrap: impl Fn(Echo) -> S,
) -> BTreeMap<String, String> {
    let (told, mut heard) = mpsc::channel(16);
    let server = wrap(Echo(told));
    let (here, there) = tokio::io::duplex(64 * 1024);
    let running = serve_directly(server.clone(), there, None);
    let context = || RequestContext::new(RequestId::Number(5), running.peer().clone());
    let mut seen = BTreeMap::new();
    ask_requests(&server, context, &mut seen).await;

    let hello = serde_json::from_value(hello()).unwrap();
    let filter = SubscriptionFilter::default();
    for (method, answer) in [
        (
            "negotiate_initialize",
            format!("{:?}", server.negotiate_initialize(&hello)),
        ),
        (
            "supported_protocol_versions",
            format!("{:?}", server.supported_protocol_versions()),
        ),
        ("get_tool", format!("{:?}", server.get_tool("hammer"))),
        ("get_info", format!("{:?}", server.get_info())),
        (
            "accepted_subscription_filter",
            format!("{:?}", server.accepted_subscription_filter(&filter)),
        ),
    ] {
        seen.insert(method.into(), answer);
    }

    let mut wire = BufReader::new(here);
    for message in messages() {
        let line = format!("{message}\n");
        wire.get_mut().write_all(line.as_bytes()).await.unwrap();
        let said = heard.recv().await.unwrap();
        let (method, _) = said.split_once(' ').unwrap();
        seen.insert(method.into(), said.clone());
    }
    // The subscription is acknowledged before it is listened to.
    let mut line = String::new();
    wire.read_line(&mut line).await.unwrap();
    seen.get_mut("listen").unwrap().push_str(&line);
    seen
}

#[tokio::test]
async fn every_method_is_the_servers_own() {
    let own = ask_everything(|server| server).await;
    let service = memory().await;
    let wrapped = ask_everything(|server| Durable::new(server, service.clone())).await;
    assert_eq!(wrapped, own);
    let asked = own.keys().cloned().collect();
    assert_eq!(methods_of_the_trait(), asked);
    let silent = [
        "supported_protocol_versions",
        "accepted_subscription_filter",
        "get_info",
    ];
    for (method, answer) in &own {
        let named = answer.contains(method.as_str()) || silent.contains(&method.as_str());
        assert!(named, "{method}: {answer}");
    }
}
