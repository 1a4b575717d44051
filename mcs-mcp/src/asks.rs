use rmcp::model::{ElicitRequestParams, InputRequest, ProtocolVersion};
use rmcp::service::{RequestContext, RoleServer};

/// What a client declares that it can be asked. It must not be asked anything else.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is declared by itself")]
pub(crate) struct Asks {
    forms: bool,
    pages: bool,
    sampling: bool,
    roots: bool,
}

impl Asks {
    /// Whatever there is.
    pub(crate) const ALL: Self = Self {
        forms: true,
        pages: true,
        sampling: true,
        roots: true,
    };

    /// What the client of a request can be asked.
    pub(crate) fn of(context: &RequestContext<RoleServer>) -> Self {
        let client = context.client_capabilities().unwrap_or_default();
        // Earlier revisions have no elicitation, whatever their clients declare.
        let version = context.protocol_version();
        let elicits = version.is_some_and(|version| version >= ProtocolVersion::V_2025_06_18);
        let elicitation = client.elicitation.filter(|_| elicits);
        let how = elicitation.as_ref();
        Self {
            // One that shows pages of the web alone shows no forms.
            forms: how.is_some_and(|how| how.form.is_some() || how.url.is_none()),
            pages: how.is_some_and(|how| how.url.is_some()),
            sampling: client.sampling.is_some(),
            roots: client.roots.is_some(),
        }
    }

    /// Whether it shows forms to its user.
    pub(crate) const fn forms(self) -> bool {
        self.forms
    }

    /// Whether it can be asked this.
    pub(crate) fn takes(self, request: &InputRequest) -> bool {
        match request {
            InputRequest::Elicitation(asked) => match &asked.params {
                ElicitRequestParams::UrlElicitationParams { .. } => self.pages,
                _ => self.forms,
            },
            InputRequest::CreateMessage(_) => self.sampling,
            InputRequest::ListRoots(_) => self.roots,
            _ => false,
        }
    }
}
