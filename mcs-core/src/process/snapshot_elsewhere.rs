use super::Identity;

/// The processes of the machine, of which nothing is known here.
#[derive(Debug)]
pub(super) struct Snapshot;

/// What a snapshot has of somebody's tree.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) alive: Vec<Identity>,
    pub(super) is_unclear: bool,
}

impl Snapshot {
    pub(super) fn take(_since: u64) -> Self {
        Self
    }

    pub(super) fn tree_of(&self, _leader: Identity, _segment: &str) -> Found {
        Found::default()
    }

    pub(super) fn grandchildren_of(&self, _outer: Identity) -> Vec<Identity> {
        Vec::new()
    }

    pub(super) fn tagged(&self, _is_wanted: impl Fn(&[u8]) -> bool) -> Found {
        Found::default()
    }
}
