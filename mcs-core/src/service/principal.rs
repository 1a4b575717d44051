use super::ServiceError;
use crate::domain::InvalidInput;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Who calls, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The name of the user, or of the MCP server. A user owns the tasks that are created with it.
    pub name: Arc<str>,
    /// The MCP server that it speaks for. `None` for users, whatever their name: the two have no names in common.
    pub mcp_id: Option<Arc<str>>,
    /// What they may do.
    pub scopes: Scopes,
}

/// What a principal may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "every combination makes sense"
)]
pub struct Scopes {
    /// See tasks, results, logs, events, queues and statistics.
    pub read: bool,
    /// Create, cancel and retry tasks.
    pub write: bool,
    /// Take tasks and run them.
    pub execute: bool,
    /// Report interactions, as the MCP server that the principal speaks for.
    pub report: bool,
    /// See what there is to measure: sums over everybody's tasks.
    pub metrics: bool,
    /// See and change the tasks of everybody, and change what everybody shares, such as queues and keys. Report as every
    /// MCP server, and see what all of them reported.
    pub admin: bool,
}

/// One thing that a principal may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// [`Scopes::read`].
    Read,
    /// [`Scopes::write`].
    Write,
    /// [`Scopes::execute`].
    Execute,
    /// [`Scopes::report`].
    Report,
    /// [`Scopes::metrics`].
    Metrics,
    /// [`Scopes::admin`].
    Admin,
}

impl Principal {
    /// The name of whoever started the process, and the owner of tasks that name none.
    pub const LOCAL: &'static str = "local";

    /// What the owner of an MCP server's tasks begins with.
    pub(super) const MCP_OWNER: &'static str = "mcp:";

    /// A user with these scopes. What begins with `mcp:` is no name for one, see [`Principal::mcp`].
    pub fn new(name: impl Into<Arc<str>>, scopes: Scopes) -> Self {
        Self {
            name: name.into(),
            mcp_id: None,
            scopes,
        }
    }

    /// An MCP server with these scopes. Its tasks are owned by `mcp:<mcp_id>`, so that they are not those of a user of
    /// its name.
    pub fn mcp(mcp_id: impl Into<Arc<str>>, scopes: Scopes) -> Self {
        let mcp_id = mcp_id.into();
        Self {
            name: Arc::clone(&mcp_id),
            mcp_id: Some(mcp_id),
            scopes,
        }
    }

    /// Whoever started the process: may do everything.
    pub fn local() -> Self {
        Self::new(Self::LOCAL, Scopes::ALL)
    }

    /// Refuses a principal without `scope`.
    pub(super) const fn needs(&self, scope: Scope) -> Result<(), ServiceError> {
        if self.scopes.has(scope) {
            return Ok(());
        }
        Err(ServiceError::Forbidden { scope })
    }

    /// The owner of the tasks that are created with it.
    pub fn owner(&self) -> Arc<str> {
        match &self.mcp_id {
            Some(mcp_id) => format!("{}{mcp_id}", Self::MCP_OWNER).into(),
            None => Arc::clone(&self.name),
        }
    }

    /// Whether tasks of `owner` exist for this principal.
    pub(super) fn sees(&self, owner: &str) -> bool {
        self.scopes.admin
            || match &self.mcp_id {
                Some(mcp_id) => owner.strip_prefix(Self::MCP_OWNER) == Some(&**mcp_id),
                None => *self.name == *owner,
            }
    }

    /// Whether it reports what `mcp_id` does.
    pub(super) fn reports_as(&self, mcp_id: &str) -> bool {
        self.scopes.admin || self.mcp_id.as_deref() == Some(mcp_id)
    }
}

impl Scopes {
    /// Everything.
    pub const ALL: Self = Self {
        read: true,
        write: true,
        execute: true,
        report: true,
        metrics: true,
        admin: true,
    };

    /// Everything within one's own tasks.
    pub const USER: Self = Self {
        report: false,
        metrics: false,
        admin: false,
        ..Self::ALL
    };

    /// These and no others.
    pub fn of(scopes: &[Scope]) -> Self {
        let has = |scope| scopes.contains(&scope);
        Self {
            read: has(Scope::Read),
            write: has(Scope::Write),
            execute: has(Scope::Execute),
            report: has(Scope::Report),
            metrics: has(Scope::Metrics),
            admin: has(Scope::Admin),
        }
    }

    /// Whether `scope` is among them. The admin scope holds the others.
    pub const fn has(&self, scope: Scope) -> bool {
        match scope {
            Scope::Read => self.read || self.admin,
            Scope::Write => self.write || self.admin,
            Scope::Execute => self.execute || self.admin,
            Scope::Report => self.report || self.admin,
            Scope::Metrics => self.metrics || self.admin,
            Scope::Admin => self.admin,
        }
    }
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] = [
        Self::Read,
        Self::Write,
        Self::Execute,
        Self::Report,
        Self::Metrics,
        Self::Admin,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execute",
            Self::Report => "report",
            Self::Metrics => "metrics",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            InvalidInput::new("scope", format!("is `{text}`; use one of {names}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_holds_the_other_scopes_and_no_other_holds_one() {
        let admin = Scopes {
            admin: true,
            ..Scopes::default()
        };
        let read = Scopes {
            read: true,
            ..Scopes::default()
        };
        for scope in Scope::ALL {
            assert!(admin.has(scope), "{scope}");
            assert_eq!(read.has(scope), scope == Scope::Read, "{scope}");
            assert!(!Scopes::default().has(scope), "{scope}");
            assert!(Scopes::of(&[scope]).has(scope), "{scope}");
        }
    }

    #[test]
    fn a_scope_is_read_and_written_by_its_name() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse::<Scope>().unwrap(), scope);
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
        let error = "root".parse::<Scope>().unwrap_err().to_string();
        assert!(
            error.contains("`root`") && error.contains("report"),
            "{error}"
        );
    }
}
