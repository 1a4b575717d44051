/// What an operation is about. The reference page has a section for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// Creating tasks, reading them and ending them.
    Tasks,
    /// Workers in any language that take tasks and settle them.
    Work,
    /// What happens, as it happens.
    Live,
    /// Queues and their limits.
    Queues,
    /// What the service is, has and does.
    Service,
    /// Logging in and out.
    Access,
    /// Calls that MCP servers report, and the keys to report with.
    Interactions,
    /// What a browser shows.
    Pages,
}

impl Tag {
    /// Every tag, in the order of the reference page.
    pub(super) const ALL: [Self; 8] = [
        Self::Tasks,
        Self::Work,
        Self::Live,
        Self::Queues,
        Self::Service,
        Self::Access,
        Self::Interactions,
        Self::Pages,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tasks => "Tasks",
            Self::Work => "Work",
            Self::Live => "Live",
            Self::Queues => "Queues",
            Self::Service => "Service",
            Self::Access => "Access",
            Self::Interactions => "Interactions",
            Self::Pages => "Pages",
        }
    }

    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Tasks => "Create tasks, read them and their results, end them.",
            Self::Work => {
                "Be a worker in any language: take a task under a lease, keep the lease alive, and settle the task."
            }
            Self::Live => "What happens, as it happens and as it is kept.",
            Self::Queues => {
                "Queues: how full they are, whether they are paused, how many tasks of each run at once."
            }
            Self::Service => "What the service is, has and does.",
            Self::Access => "Log in with a token for a session of a browser, and out again.",
            Self::Interactions => {
                "Calls that MCP servers report, and the keys that they report with."
            }
            Self::Pages => "What a browser shows, and this document.",
        }
    }
}
