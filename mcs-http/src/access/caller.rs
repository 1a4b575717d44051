use super::sessions::Sessions;
use super::tokens::Tokens;
use crate::app::App;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use mcs_core::service::{Key, Principal, TokenHash};
use std::sync::Arc;

/// Who sent the request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    proof: Proof,
    /// The session by whose cookie it was let in.
    session: Option<TokenHash>,
}

/// Why the caller was let in.
#[derive(Debug, Clone)]
enum Proof {
    /// A token of the configuration or of the token file.
    Token { hash: TokenHash, unlimited: bool },
    /// A stored key.
    Key(Arc<Key>),
    /// There was no key at all.
    NoKeys,
}

/// How a caller was let in, as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Without a key.
    Open,
    /// By a token.
    Token,
    /// By the cookie of a session.
    Session,
}

/// What to do about a request that nobody is known to have sent.
pub(super) const REMEDY: &str = "send `Authorization: Bearer <token>` with a key of this server";

impl Caller {
    /// One who came while there was no key.
    pub(crate) fn at_open_door(principal: Principal) -> Self {
        Self {
            principal,
            proof: Proof::NoKeys,
            session: None,
        }
    }

    /// Who holds `token`, if anybody does.
    pub(super) async fn of_token(app: &App, token: &str) -> Result<Option<Self>, Problem> {
        let (principal, proof) = match app.access.tokens.find(token).await {
            Some((hash, holder)) => {
                let unlimited = holder.unlimited;
                (holder.principal, Proof::Token { hash, unlimited })
            }
            None => match app.service.keys().authenticate(token).await? {
                Some(key) => (key.principal(), Proof::Key(key)),
                None => return Ok(None),
            },
        };
        Ok(Some(Self {
            principal,
            proof,
            session: None,
        }))
    }

    /// The same, let in by a session.
    pub(super) fn in_session(self, session: TokenHash) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    /// Whether it may not ask as often as it likes.
    pub(super) fn is_limited(&self) -> bool {
        match &self.proof {
            Proof::Token { unlimited, .. } => !unlimited,
            Proof::Key(_) => true,
            Proof::NoKeys => false,
        }
    }

    /// How it was let in.
    pub(crate) fn access(&self) -> Access {
        match (&self.proof, &self.session) {
            (Proof::NoKeys, _) => Access::Open,
            (_, Some(_)) => Access::Session,
            (_, None) => Access::Token,
        }
    }

    /// The MCP server whose key it has, if it has one of a server.
    pub(crate) fn mcp_id(&self) -> Option<&str> {
        match &self.proof {
            Proof::Key(key) => key.mcp_id.as_deref(),
            Proof::Token { .. } | Proof::NoKeys => None,
        }
    }

    /// Refuses the caller if it would not be let in any more, or as somebody else. What takes long asks this again and again.
    pub(crate) async fn check(&self, app: &App) -> Result<(), Problem> {
        let (tokens, sessions): (&Tokens, &Sessions) = (&app.access.tokens, &app.access.sessions);
        let left = self.session.is_some_and(|hash| !sessions.is_open(&hash));
        if left {
            let problem = format!("the session is over; log in again, or {REMEDY}");
            return Err(Problem::unauthenticated(problem));
        }
        let standing = match &self.proof {
            Proof::Token { hash, .. } => match tokens.holder(hash).await {
                Some(holder) if holder.principal == self.principal => Standing::Same,
                Some(_) => Standing::Changed,
                None => Standing::Gone,
            },
            Proof::Key(key) => Standing::of(app.service.keys().works(&key.id).await?),
            Proof::NoKeys => Standing::of(!app.has_keys().await?),
        };
        let problem = match (standing, &self.proof) {
            (Standing::Same, _) => return Ok(()),
            (Standing::Changed, _) => {
                "whose the token is, or what it may do, was changed meanwhile; send it again, or log in again".to_owned()
            }
            (Standing::Gone, Proof::NoKeys) => {
                format!("a key was made meanwhile, and everybody needs one; {REMEDY}")
            }
            (Standing::Gone, _) => format!("the key was revoked meanwhile; {REMEDY}"),
        };
        Err(Problem::unauthenticated(problem))
    }
}

/// What became of the proof of a caller since it was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Same,
    /// It proves something else now.
    Changed,
    Gone,
}

impl Standing {
    const fn of(works: bool) -> Self {
        if works { Self::Same } else { Self::Gone }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // A route outside of `authenticate` would be a mistake here, and must not be an open door.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!(
                path = parts.uri.path(),
                "a route asks who calls and nobody looked"
            );
            Problem::internal()
        })
    }
}
