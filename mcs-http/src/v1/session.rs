//! Logging in and out, for the server's own page.

use crate::access::{self, Access, Caller, MayLogIn};
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Checked, Nothing, Query};
use crate::route::{Operation, Routes, Tag};
use axum::Json;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use mcs_core::provider::secret::Secret;
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const PATH: &str = "/api/v1/session";

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            Operation::post(PATH, "logIn")
                .tag(Tag::Access)
                .open()
                .says("Opens a session with a token, for the page of this server.")
                .more(
                    "The cookie is kept from scripts and from other sites, and works for twelve hours, until the session is \
                     ended, or until the token works no longer. With it, whatever changes something needs the header \
                     `Origin` of this server, which browsers send. Programs send the token itself with each request.",
                )
                .query::<Nothing>()
                .body::<LogInBody>()
                .answers_nothing(204, "The session is open.")
                .sets("Set-Cookie", "The session.")
                .refuses(&[401, 403, 429]),
            log_in,
        )
        .route(
            Operation::get(PATH, "getSession")
                .tag(Tag::Access)
                .says("Who calls, and what they may do.")
                .query::<Nothing>()
                .answers::<SessionView>(200, "The caller."),
            show,
        )
        .route(
            Operation::delete(PATH, "logOut")
                .tag(Tag::Access)
                .open()
                .says("Ends the session whose cookie is sent, if there is one.")
                .query::<Nothing>()
                .answers_nothing(204, "There is no session any more.")
                .sets("Set-Cookie", "Makes the browser forget the session.")
                .refuses(&[403]),
            log_out,
        )
}

/// Who logs in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LogInBody {
    /// A token of this server.
    #[schemars(with = "String")]
    token: Secret,
}

/// Who calls.
#[derive(Debug, Serialize, JsonSchema)]
struct SessionView {
    /// Who it is. Tasks that are created belong to this name.
    name: String,
    /// What the caller may do: `read`, `write`, `execute`, `report`, `admin`.
    scopes: Vec<String>,
    access: AccessName,
}

/// How the caller was let in: without a key since there is none, by a token, or by a session.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum AccessName {
    Open,
    Token,
    Session,
}

async fn log_in(
    State(app): State<App>,
    allowed: MayLogIn,
    _: Query<Nothing>,
    Checked(body, ..): Checked<LogInBody>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), Problem> {
    let cookie = access::log_in(&app, &allowed, body.token.expose()).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]))
}

async fn show(caller: Caller, _: Query<Nothing>) -> Json<SessionView> {
    let principal = &caller.principal;
    let scopes = Scope::ALL.into_iter();
    let held = scopes.filter(|scope| principal.scopes.has(*scope));
    Json(SessionView {
        name: principal.owner().to_string(),
        scopes: held.map(|scope| scope.as_str().to_owned()).collect(),
        access: match caller.access() {
            Access::Open => AccessName::Open,
            Access::Token => AccessName::Token,
            Access::Session => AccessName::Session,
        },
    })
}

async fn log_out(
    State(app): State<App>,
    _: Query<Nothing>,
    request: Parts,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), Problem> {
    let forget = access::log_out(&app, &request)?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, forget)]))
}
