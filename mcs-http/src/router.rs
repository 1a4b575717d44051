use crate::app::{App, Door};
use crate::front::{Front, InTime};
use crate::options::Options;
use crate::problem::Problem;
use crate::route::Routes;
use crate::{access, compression, coordinator, reference, status, v1};
use axum::Router;
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use mcs_core::schema::shortened;
use mcs_core::service::Service;
use std::convert::Infallible;
use tower::Layer;
use tower_http::catch_panic::CatchPanicLayer;

/// The routes, to be nested into another axum application. Every caller needs a key, since a router does not know who
/// can reach it; [`crate::serve`] does.
pub fn router(service: Service, options: Options) -> Router {
    build(&App::new(service, options, Door::Locked))
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

pub(crate) fn build(app: &App) -> Router {
    let router = Router::new();
    #[cfg(feature = "dashboard")]
    let router = router.merge(crate::dashboard::routes());
    let all = router
        .merge(routes().into_router())
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .with_state(app.clone());
    let all = surrounded(all, app, InTime(app.clone()));
    // What MCP clients call may wait, and its streams go on.
    #[cfg(feature = "mcp")]
    let all = all.merge(surrounded(
        crate::mcp::routes(app).with_state(app.clone()),
        app,
        (),
    ));
    all
}

/// The routes within what every request passes, and within `innermost`. It is one layer, so that it is boxed once.
fn surrounded<L>(routes: Router, app: &App, innermost: L) -> Router
where
    L: Layer<Route> + Clone + Send + Sync + 'static,
    L::Service: tower::Service<Request, Response = Response, Error = Infallible>,
    L::Service: Clone + Send + Sync + 'static,
    <L::Service as tower::Service<Request>>::Future: Send + 'static,
{
    let front = Front(app.clone());
    let behind = (
        compression::layer(),
        CatchPanicLayer::custom(panicked),
        innermost,
    );
    match access::cors(&app.options.cors_origins) {
        Some(cors) => routes.layer((front, cors, behind)),
        None => routes.layer((front, behind)),
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
