use super::gate::admit;
use super::operation::Operation;
use crate::app::App;
use crate::{access, reporting};
use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, on};
use mcs_core::service::Scope;
use std::sync::Arc;

/// Routes: what the operations are, and who answers them.
#[derive(Debug, Default)]
pub(crate) struct Routes(Vec<Route>);

#[derive(Debug)]
struct Route {
    operation: Operation,
    handler: MethodRouter<App>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One route more.
    pub(crate) fn route<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let handler = on(operation.filter, handler);
        self.0.push(Route { operation, handler });
        self
    }

    /// These and those.
    pub(crate) fn merge(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// What they do.
    pub(crate) fn into_operations(self) -> Vec<Operation> {
        self.0.into_iter().map(|route| route.operation).collect()
    }

    /// The router that answers them. Each looks who calls, unless it is open.
    pub(crate) fn into_router(self, app: &App) -> Router<App> {
        let routes = self.0.into_iter();
        routes.fold(Router::new(), |router, route| {
            router.route(route.operation.path, route.guarded(app))
        })
    }
}

impl Route {
    fn guarded(self, app: &App) -> MethodRouter<App> {
        let Operation {
            open,
            scopes,
            changes,
            ..
        } = self.operation;
        if open {
            return self.handler;
        }
        let mut handler = self.handler;
        if changes {
            handler = handler.route_layer(from_fn_with_state(app.clone(), access::meant));
        }
        if !scopes.is_empty() {
            let scopes: Arc<[Scope]> = scopes.into();
            handler = handler.route_layer(from_fn_with_state(scopes, admit));
        }
        handler
            .route_layer(from_fn_with_state(app.clone(), reporting::report))
            .route_layer(from_fn_with_state(app.clone(), access::authenticate))
    }
}
