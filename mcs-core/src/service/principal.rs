use super::ServiceError;
use std::fmt;
use std::sync::Arc;

/// Who calls, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The name, which owns the tasks that are created with it.
    pub name: Arc<str>,
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
    /// See and change the tasks of everybody, and change what everybody shares, such as queues.
    pub admin: bool,
}

/// One thing that a principal may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// [`Scopes::read`].
    Read,
    /// [`Scopes::write`].
    Write,
    /// [`Scopes::execute`].
    Execute,
    /// [`Scopes::admin`].
    Admin,
}

impl Principal {
    /// The name of whoever started the process, and the owner of tasks that name none.
    pub const LOCAL: &'static str = "local";

    /// A principal with these scopes.
    pub fn new(name: impl Into<Arc<str>>, scopes: Scopes) -> Self {
        Self {
            name: name.into(),
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

    /// Whether tasks of `owner` exist for this principal.
    pub(super) fn sees(&self, owner: &str) -> bool {
        self.scopes.admin || *self.name == *owner
    }
}

impl Scopes {
    /// Everything.
    pub const ALL: Self = Self {
        read: true,
        write: true,
        execute: true,
        admin: true,
    };

    /// Everything within one's own tasks.
    pub const USER: Self = Self {
        admin: false,
        ..Self::ALL
    };

    /// Whether `scope` is among them. The admin scope holds the others.
    pub const fn has(&self, scope: Scope) -> bool {
        match scope {
            Scope::Read => self.read || self.admin,
            Scope::Write => self.write || self.admin,
            Scope::Execute => self.execute || self.admin,
            Scope::Admin => self.admin,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execute",
            Self::Admin => "admin",
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
        for scope in [Scope::Read, Scope::Write, Scope::Execute, Scope::Admin] {
            assert!(admin.has(scope), "{scope}");
            assert_eq!(read.has(scope), scope == Scope::Read, "{scope}");
            assert!(!Scopes::default().has(scope), "{scope}");
        }
    }
}
