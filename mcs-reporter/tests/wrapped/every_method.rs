//! Whatever a `ServerHandler` can do, a wrapped one does as the server inside does it.
#![expect(
    deprecated,
    reason = "clients of earlier protocols still ask for what the latest has not"
)]

use crate::support::recorder::Recorder;
use crate::trait_methods::methods_of_the_trait;
use mcs_reporter::ReportedServer;
use rmcp::ServerHandler;
use rmcp::model::*;
use rmcp::service::{
    NotificationContext, RequestContext, RoleServer, SubscriptionContext, serve_directly,
};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

/// Overrides every method with one that says which it is, what it was given, and where it was told.
#[derive(Debug, Clone)]
struct Everything(mpsc::UnboundedSender<String>);

impl Everything {
    fn told<T>(&self, method: &str, given: impl Debug) -> Result<T, ErrorData> {
        let said = format!("{method} {given:?}");
        self.0.send(said.clone()).unwrap();
        Err(ErrorData::new(ErrorCode(-32000), said, None))
    }
}

macro_rules! overridden {
    ($($method:ident($($request:ty)?) -> $answer:ty;)+) => {$(
        async fn $method(
            &self,
            $(request: $request,)?
            context: RequestContext<RoleServer>,
        ) -> Result<$answer, ErrorData> {
            let request = ($({ let request: $request = request; request })?);
            self.told(stringify!($method), (request, context.id))
        }
    )+};
}

macro_rules! overridden_notifications {
    ($($method:ident($($given:ty)?);)+) => {$(
        async fn $method(&self, $(given: $given,)? _: NotificationContext<RoleServer>) {
            let given = ($({ let given: $given = given; given })?);
            let _ = self.told::<()>(stringify!($method), given);
        }
    )+};
}

impl ServerHandler for Everything {
    overridden! {
        ping() -> ();
        initialize(InitializeRequestParams) -> InitializeResult;
        discover() -> DiscoverResult;
        complete(CompleteRequestParams) -> CompleteResult;
        set_level(SetLevelRequestParams) -> ();
        get_prompt(GetPromptRequestParams) -> GetPromptResponse;
        list_prompts(Option<PaginatedRequestParams>) -> ListPromptsResult;
        list_resources(Option<PaginatedRequestParams>) -> ListResourcesResult;
        list_resource_templates(Option<PaginatedRequestParams>) -> ListResourceTemplatesResult;
        read_resource(ReadResourceRequestParams) -> ReadResourceResponse;
        subscribe(SubscribeRequestParams) -> ();
        unsubscribe(UnsubscribeRequestParams) -> ();
        call_tool(CallToolRequestParams) -> CallToolResponse;
        list_tools(Option<PaginatedRequestParams>) -> ListToolsResult;
        on_custom_request(CustomRequest) -> CustomResult;
        get_task(GetTaskParams) -> GetTaskResult;
        update_task(UpdateTaskParams) -> ();
        cancel_task(CancelTaskParams) -> ();
        list_skills(Option<PaginatedRequestParams>) -> ListSkillsResult;
        get_skill(GetSkillRequestParams) -> GetSkillResult;
        read_resource_directory(ReadResourceDirectoryRequestParams) -> ReadResourceDirectoryResult;
    }

    overridden_notifications! {
        on_cancelled(CancelledNotificationParam);
        on_progress(ProgressNotificationParam);
        on_initialized();
        on_roots_list_changed();
        on_custom_notification(CustomNotification);
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.told("listen", context.requested())
    }

    fn negotiate_initialize(
        &self,
        request: &InitializeRequestParams,
    ) -> Result<InitializeResult, ErrorData> {
        self.told("negotiate_initialize", request)
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

/// What a client of a server sees.
struct Wire {
    read: BufReader<tokio::io::DuplexStream>,
}

impl Wire {
    async fn say(&mut self, message: Value) {
        let line = format!("{message}\n");
        self.read
            .get_mut()
            .write_all(line.as_bytes())
            .await
            .unwrap();
    }

    /// The answer to the only request.
    async fn answer(&mut self) -> Value {
        loop {
            let mut line = String::new();
            self.read.read_line(&mut line).await.unwrap();
            let message: Value = serde_json::from_str(&line).unwrap();
            if message.get("id").is_some() {
                return message;
            }
        }
    }
}

fn notifications() -> [(&'static str, Value); 5] {
    let said =
        |method: &str, params: Value| json!({"jsonrpc": "2.0", "method": method, "params": params});
    [
        (
            "on_cancelled",
            said(
                "notifications/cancelled",
                json!({"requestId": 9, "reason": "why"}),
            ),
        ),
        (
            "on_progress",
            said(
                "notifications/progress",
                json!({"progressToken": 1, "progress": 0.5}),
            ),
        ),
        (
            "on_initialized",
            said("notifications/initialized", json!({})),
        ),
        (
            "on_roots_list_changed",
            said("notifications/roots/list_changed", json!({})),
        ),
        (
            "on_custom_notification",
            said("notifications/of_my_own", json!({"a": 1})),
        ),
    ]
}

/// Asks the server everything there is, and returns the methods with what each answered or was told.
async fn ask_everything<S: ServerHandler>(
    server: impl Fn(Everything) -> S,
) -> Vec<(&'static str, String)> {
    let (told, mut heard) = mpsc::unbounded_channel();
    let (here, there) = tokio::io::duplex(64 * 1024);
    let running = serve_directly(server(Everything(told.clone())), there, None);
    let server = server(Everything(told));
    let context = || RequestContext::new(RequestId::Number(5), running.peer().clone());
    let mut seen = Vec::new();

    macro_rules! ask {
        ($($method:ident($($request:expr)?);)+) => {$(
            let answer = server.$method($(serde_json::from_value($request).unwrap(),)? context()).await;
            assert!(heard.recv().await.unwrap().starts_with(stringify!($method)));
            seen.push((stringify!($method), format!("{:?}", answer.map(drop))));
        )+};
    }
    let hello = json!({
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"},
    });
    ask! {
        ping();
        initialize(hello.clone());
        discover();
        complete(json!({"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": "v"}}));
        set_level(json!({"level": "error"}));
        get_prompt(json!({"name": "p", "arguments": {"a": "b"}}));
        list_prompts(json!({"cursor": "prompts"}));
        list_resources(json!({"cursor": "resources"}));
        list_resource_templates(json!({"cursor": "templates"}));
        read_resource(json!({"uri": "a://b"}));
        subscribe(json!({"uri": "a://b"}));
        unsubscribe(json!({"uri": "a://c"}));
        call_tool(json!({"name": "t", "arguments": {"x": [1, 2]}}));
        list_tools(json!({"cursor": "tools"}));
        on_custom_request(json!({"method": "mine", "params": {"a": 1}}));
        get_task(json!({"taskId": "1"}));
        update_task(json!({"taskId": "2", "inputResponses": {}}));
        cancel_task(json!({"taskId": "3"}));
        list_skills(json!({"cursor": "skills"}));
        get_skill(json!({"uri": "skill://b"}));
        read_resource_directory(json!({"uri": "a://d/"}));
    }
    let hello = serde_json::from_value(hello).unwrap();
    let plain = [
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
    ];
    seen.extend(plain);
    assert!(
        heard
            .recv()
            .await
            .unwrap()
            .starts_with("negotiate_initialize")
    );

    // The library makes the context of these itself.
    let mut wire = Wire {
        read: BufReader::new(here),
    };
    for (method, message) in notifications() {
        wire.say(message).await;
        seen.push((method, heard.recv().await.unwrap()));
    }
    wire.say(
        json!({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {
            "notifications": {"toolsListChanged": true},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "x", "version": "1"},
            },
        }}),
    )
    .await;
    let answer = wire.answer().await.to_string();
    seen.push(("listen", answer));
    let filter = SubscriptionFilter::default();
    let filter = server.accepted_subscription_filter(&filter);
    seen.push(("accepted_subscription_filter", format!("{filter:?}")));
    seen
}

#[tokio::test]
async fn every_method_of_a_wrapped_server_is_the_servers_own() {
    // A method that is not handed on may never be heard of.
    const PATIENCE: Duration = Duration::from_mins(1);
    let own = ask_everything(|server| server).await;
    let recorder = Recorder::new();
    let wrapped = ask_everything(|server| ReportedServer::new(server, recorder.clone()));
    let wrapped = tokio::time::timeout(PATIENCE, wrapped)
        .await
        .expect("every method answers");
    assert_eq!(wrapped, own);
    let asked: BTreeSet<String> = own.iter().map(|(method, _)| (*method).to_owned()).collect();
    assert_eq!(asked, methods_of_the_trait());
    for (method, answer) in &own {
        let by_default = [
            "supported_protocol_versions",
            "get_info",
            "accepted_subscription_filter",
        ];
        assert!(
            answer.contains(method) || by_default.contains(method),
            "{method}: {answer}"
        );
    }
    // A tool, a prompt and a resource.
    recorder.told(6).await;
}
