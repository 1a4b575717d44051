use super::gate::Gated;
use super::operation::Operation;
use crate::app::App;
use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodRouter, on};

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

    /// One route more. Whoever calls is looked at first, unless it is open.
    pub(crate) fn route<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let filter = operation.filter;
        let handler = if operation.open {
            on(filter, handler)
        } else {
            on(
                filter,
                Gated::new(handler, &operation.scopes, operation.changes),
            )
        };
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

    /// The router that answers them.
    pub(crate) fn into_router(self) -> Router<App> {
        let routes = self.0.into_iter();
        routes.fold(Router::new(), |router, route| {
            router.route(route.operation.path, route.handler)
        })
    }
}
