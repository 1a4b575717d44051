use crate::app::{App, Door};
use crate::options::Options;
use crate::problem::Problem;
use crate::route::Routes;
use crate::{access, compression, coordinator, reference, request, status, v1};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use mcs_core::schema::shortened;
use mcs_core::service::Service;
use tower_http::catch_panic::CatchPanicLayer;

/// The routes, to be nested into another axum application. Every caller needs a key, since a router does not know who
/// can reach it; [`crate::serve`] does.
pub fn router(service: Service, options: Options) -> Router {
    build(App::new(service, options, Door::Locked))
}

/// Every route that is documented.
pub(crate) fn routes() -> Routes {
    let routes = v1::routes()
        .merge(coordinator::routes())
        .merge(status::routes())
        .merge(reference::routes());
    #[cfg(feature = "metrics")]
    let routes = routes.merge(crate::metrics::routes());
    routes
}

pub(crate) fn build(app: App) -> Router {
    let router = Router::new();
    #[cfg(feature = "dashboard")]
    let router = router.merge(crate::dashboard::routes());
    let all = router
        .merge(routes().into_router(&app))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(app.clone(), in_time));
    #[cfg(feature = "mcp")]
    let all = all.merge(crate::mcp::routes(&app));
    let all = all
        .layer(CatchPanicLayer::custom(panicked))
        .layer(compression::layer());
    let all = match access::cors(&app.options.cors_origins) {
        Some(cors) => all.layer(cors),
        None => all,
    };
    let all = all.layer(from_fn(request::tag));
    #[cfg(feature = "metrics")]
    let all = all.layer(from_fn_with_state(app.clone(), crate::metrics::measure));
    all.with_state(app)
}

/// Answers in time, whatever happens. What an answer streams may take longer.
async fn in_time(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let longest = app.options.request_timeout;
    match tokio::time::timeout(longest, next.run(request)).await {
        Ok(response) => Ok(response),
        Err(_) => Err(Problem::unavailable(
            format!(
                "the request took longer than {} s; whether it took effect is not known",
                longest.as_secs()
            ),
            1,
        )),
    }
}

async fn no_route(uri: Uri) -> Problem {
    Problem::not_found(format!("there is no route `{}`", shortened(uri.path())))
}

async fn no_method(method: Method, uri: Uri) -> Problem {
    Problem::method(format!(
        "`{}` does not take {}",
        shortened(uri.path()),
        shortened(method.as_str())
    ))
}

/// A handler panicked, which is logged by its hook; the connection lives on.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::internal().into_response()
}
