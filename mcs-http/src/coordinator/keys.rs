use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{JsonBody, Nothing, PathParameter, Query};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mcs_core::domain::limits;
use mcs_core::service::{Key, KeyPage, NewKey, Scope};
use serde::{Deserialize, Serialize};

/// A key that is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateBody {
    #[serde(default)]
    name: String,
    mcp_id: Option<String>,
    #[serde(default)]
    scopes: Vec<Scope>,
}

/// A new key and its token, which is shown this once.
#[derive(Serialize)]
pub(super) struct CreateView {
    #[serde(flatten)]
    key: Key,
    token: String,
}

/// Makes a key.
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    _: Query<Nothing>,
    body: JsonBody,
) -> Result<(StatusCode, Json<CreateView>), Problem> {
    let CreateBody {
        name,
        mcp_id,
        scopes,
    } = body.parse()?;
    let new = NewKey {
        name,
        mcp_id,
        scopes,
    };
    let made = app.service.keys().create(&caller.principal, new).await?;
    let view = CreateView {
        key: made.key,
        token: made.token.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Which part of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// A page of keys, revoked ones too.
#[derive(Debug, Serialize)]
pub(super) struct ListView {
    keys: Vec<Key>,
    /// The `cursor` of the next page; null on the last.
    next: Option<String>,
}

/// The keys by id.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListView>, Problem> {
    let limit = query.limit.unwrap_or(limits::PAGE_DEFAULT);
    let keys = app.service.keys();
    let page = keys.list(&caller.principal, query.cursor.as_deref(), limit);
    let KeyPage { keys, next } = page.await?;
    Ok(Json(ListView { keys, next }))
}

/// Has a key work no longer.
pub(super) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    PathParameter(id): PathParameter,
    _: Query<Nothing>,
) -> Result<Json<Key>, Problem> {
    Ok(Json(
        app.service.keys().revoke(&caller.principal, &id).await?,
    ))
}
