use axum::Router;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::Request;
use axum::http::request::Parts;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

/// The address that a request came from; `None` behind a server that does not tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) Option<IpAddr>);

/// The routes, told who is at the other end of their connection.
#[derive(Debug)]
pub(super) struct Told {
    routes: TowerToHyperService<Router>,
    peer: Peer,
}

impl Told {
    pub(super) fn new(router: Router, address: IpAddr) -> Self {
        Self {
            routes: TowerToHyperService::new(router),
            peer: Peer(Some(address)),
        }
    }
}

impl Service<Request<Incoming>> for Told {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.routes.call(request)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let extensions = &parts.extensions;
        if let Some(peer) = extensions.get::<Self>() {
            return Ok(*peer);
        }
        // So does axum's own server, where it is asked to.
        let info = extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(info.map(|ConnectInfo(address)| address.ip())))
    }
}
