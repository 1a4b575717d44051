use super::forms::{KeyForm, ScopeForm};
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{JsonBody, Nothing, PathParameter, Query};
use crate::route::{Operation, Routes, Tag};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mcs_core::domain::limits;
use mcs_core::service::{Key, KeyPage, NewKey, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            Operation::post("/api/v2/keys", "createKey")
                .tag(Tag::Interactions)
                .needs(Scope::Admin)
                .says("Makes a key to call with.")
                .more("Its token is in the answer and nowhere else. The first key closes a server that was open until then.")
                .query::<Nothing>()
                .body::<CreateBody>()
                .answers::<CreateView>(201, "The key and its token."),
            create,
        )
        .route(
            Operation::get("/api/v2/keys", "listKeys")
                .tag(Tag::Interactions)
                .needs(Scope::Admin)
                .says("The keys, revoked ones too.")
                .query::<ListQuery>()
                .answers::<ListView>(200, "A page of them.")
                .refuses(&[422]),
            list,
        )
        .route(
            Operation::delete("/api/v2/keys/{id}", "revokeKey")
                .tag(Tag::Interactions)
                .needs(Scope::Admin)
                .says("Has a key work no longer.")
                .path_parameter("id", "The key: the part of its token that is no secret.")
                .query::<Nothing>()
                .answers::<KeyForm>(200, "The key.")
                .refuses(&[404, 422]),
            revoke,
        )
}

/// A key that is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewKey")]
struct CreateBody {
    /// Who will hold it. Left out: the MCP server.
    #[serde(default)]
    name: String,
    /// The one MCP server that it reports as.
    mcp_id: Option<String>,
    /// What it may do. Left out: of an MCP server `report`, else all but `admin` and `report`.
    #[serde(default)]
    #[schemars(with = "Vec<ScopeForm>")]
    scopes: Vec<Scope>,
}

/// A new key and its token, which is shown this once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreatedKey")]
pub(super) struct CreateView {
    #[serde(flatten)]
    #[schemars(with = "KeyForm")]
    key: Key,
    /// What a caller sends behind `Bearer`.
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
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Most keys of a page. Left out: 50.
    #[schemars(range(min = 1, max = limits::PAGE_ROWS))]
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// A page of keys, revoked ones too.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KeyPage")]
pub(super) struct ListView {
    #[schemars(with = "Vec<KeyForm>")]
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
