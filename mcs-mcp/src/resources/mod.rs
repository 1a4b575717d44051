//! The resources: data that a client reads without calling a tool.

mod task;
mod uri;

pub(crate) use task::refused;
pub(crate) use uri::{Of, TaskUri};

use crate::call::Call;
use crate::page::page;
use crate::refusal::Refusal;
use crate::server::{KINDS_TTL_MS, STATIC_TTL_MS};
use crate::view::{StatsView, TaskView};
use mcs_core::domain::{HistoryRequest, Status, limits};
use mcs_core::schema::{self, nearest, shortened};
use mcs_core::service::Service;
use rmcp::model::{
    CacheScope, ErrorData, ListResourceTemplatesResult, ListResourcesResult,
    PaginatedRequestParams, ReadResourceResult, Resource, ResourceContents,
};
use serde_json::{Value, json};

const SCHEMA: &str = "data://tasks/schema";
const STATUSES: &str = "data://tasks/statuses";
const MODELS: &str = "data://models/available";
const STATS: &str = "data://system/stats";

/// The resources that have a fixed place. Those of tasks are found by their templates.
pub(crate) fn list(
    request: Option<PaginatedRequestParams>,
) -> Result<ListResourcesResult, ErrorData> {
    let (resources, next) = page(all(), |resource| &resource.uri, request)?;
    let mut list = ListResourcesResult::with_all_items(resources)
        .with_ttl_ms(STATIC_TTL_MS)
        .with_cache_scope(CacheScope::Public);
    list.next_cursor = next;
    Ok(list)
}

/// The templates of the others.
pub(crate) fn list_templates(
    request: Option<PaginatedRequestParams>,
) -> Result<ListResourceTemplatesResult, ErrorData> {
    let (templates, next) = page(
        task::templates(),
        |template| &template.uri_template,
        request,
    )?;
    let mut list = ListResourceTemplatesResult::with_all_items(templates)
        .with_ttl_ms(STATIC_TTL_MS)
        .with_cache_scope(CacheScope::Public);
    list.next_cursor = next;
    Ok(list)
}

/// The names of the variables of a template.
pub(crate) fn variables_of(template: &str) -> Result<Vec<&'static str>, ErrorData> {
    match template {
        task::STATUS => Ok(vec!["id"]),
        task::RESULT => Ok(vec!["id", "part", "offset"]),
        _ => {
            let shown = shortened(template);
            let known = [task::STATUS, task::RESULT].join(", ");
            let message = format!("There is no template {shown}; there are {known}.");
            Err(ErrorData::invalid_params(message, None))
        }
    }
}

/// Every resource of a fixed place, in the order in which they are listed.
fn all() -> Vec<Resource> {
    let resource = |uri: &str, name: &str, title: &str, description: &str| {
        Resource::new(uri, name)
            .with_title(title)
            .with_description(description)
            .with_mime_type("application/json")
    };
    vec![
        resource(
            SCHEMA,
            "task_schema",
            "Schema of a task",
            "JSON Schema of a task as get_task_status returns it, and under `kinds` the kinds of task there are, with the \
             schemas of their payloads.",
        ),
        resource(
            STATUSES,
            "task_statuses",
            "Statuses",
            "The statuses of a task, what they mean, and which are final.",
        ),
        resource(
            MODELS,
            "available_models",
            "Models",
            "The models that are known, whether their provider is set up here, context sizes in tokens, and prices in US \
             dollars for a million tokens.",
        ),
        resource(
            STATS,
            "system_stats",
            "Statistics",
            "Counts of tasks by status, kind and queue, and the latest hours, as they are now.",
        ),
    ]
}

/// Reads a resource.
pub(crate) async fn read(uri: &str, call: &Call<'_>) -> Result<ReadResourceResult, ErrorData> {
    if let Some(named) = TaskUri::read(uri) {
        let named = named.map_err(|refused| Refusal::from(refused).into_protocol_error())?;
        return task::read(uri, named, call).await;
    }
    match uri {
        SCHEMA => {
            let schema = task_schema(call.service());
            Ok(fixed(uri, &schema).with_ttl_ms(KINDS_TTL_MS))
        }
        STATUSES => Ok(fixed(uri, &statuses())),
        MODELS => {
            let models = models(call.service()).map_err(Refusal::into_protocol_error)?;
            Ok(fixed(uri, &models))
        }
        STATS => stats(uri, call).await.map_err(Refusal::into_protocol_error),
        _ => Err(unknown(uri)),
    }
}

/// The schema of a task, with the kinds beside what validators look at.
fn task_schema(service: &Service) -> Value {
    let kinds = service.kinds();
    let kinds = kinds.iter().map(|kind| {
        let payload = kind.schema.as_ref().unwrap_or(&Value::Bool(true));
        json!({"name": kind.name, "description": kind.description, "payload": payload})
    });
    let kinds = kinds.collect();
    let mut task = schema::of::<TaskView>();
    task.insert("kinds".into(), kinds);
    Value::Object(task)
}

/// The models, each with whether a task can use it here.
fn models(service: &Service) -> Result<Value, Refusal> {
    let providers = service.providers();
    let mut table = serde_json::to_value(service.models())?;
    for model in table["models"].as_array_mut().into_iter().flatten() {
        let provider = model["provider"].as_str();
        let available = provider.is_some_and(|name| service.has_provider(name));
        model["available"] = available.into();
    }
    table["providers"] = json!(providers);
    Ok(table)
}

fn statuses() -> Value {
    let statuses = Status::ALL.map(|status| {
        json!({
            "status": status.as_str(),
            "meaning": status.meaning(),
            "final": status.is_terminal(),
        })
    });
    json!({ "statuses": statuses })
}

async fn stats(uri: &str, call: &Call<'_>) -> Result<ReadResourceResult, Refusal> {
    let request = HistoryRequest {
        hours: limits::STATS_HOURS,
        ..HistoryRequest::default()
    };
    let statistics = call.tasks().statistics(call.principal(), &request).await?;
    let stats = serde_json::to_value(StatsView::of(&statistics, &request))?;
    // What is counted depends on whose tasks the caller may see, and on the moment.
    Ok(contents(uri, &stats)
        .with_ttl_ms(0)
        .with_cache_scope(CacheScope::Private))
}

fn fixed(uri: &str, value: &Value) -> ReadResourceResult {
    contents(uri, value)
        .with_ttl_ms(STATIC_TTL_MS)
        .with_cache_scope(CacheScope::Public)
}

fn contents(uri: &str, value: &Value) -> ReadResourceResult {
    let text = ResourceContents::text(format!("{value:#}"), uri);
    ReadResourceResult::new(vec![text.with_mime_type("application/json")])
}

fn unknown(uri: &str) -> ErrorData {
    let shown = shortened(uri);
    let known = [SCHEMA, STATUSES, MODELS, STATS];
    let message = match nearest(uri, known) {
        Some(near) => format!("There is no resource {shown}; did you mean {near}?"),
        None => format!(
            "There is no resource {shown}; there are {}, and task://<task_id> with task://<task_id>/result.",
            known.join(", ")
        ),
    };
    ErrorData::resource_not_found(message, Some(json!({ "uri": shown })))
}
