use proptest::prelude::*;

/// Something that happens to a store. Which task it means is a number that is taken modulo the tasks there are, so that
/// a history stays meaningful when it is shortened.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Tasks are stored.
    Insert(Vec<New>),
    /// A worker claims, and ends a lease with the same call if there is one to end.
    Claim { want: Want, settle: Option<End> },
    /// A caller claims one task, which it may hold under another lease.
    Name {
        task: usize,
        manual: bool,
        /// Whether the lease it names is not the current one.
        former: Option<bool>,
    },
    /// A holder, or a former one, ends its lease.
    Settle(Vec<End>),
    /// A holder, or a former one, extends its lease.
    Extend { task: usize, stale: bool },
    /// Somebody asks for the end.
    Cancel { task: usize },
    /// A holder, or a former one, adds to its task.
    Append {
        task: usize,
        what: What,
        stale: bool,
    },
    /// Somebody answers a question.
    Answer { task: usize, key: u8 },
    /// What is due becomes ready.
    Promote { limit: usize },
    /// Leases that ran out, and those of a dead worker, are taken back.
    Reap { dead: Option<u8>, limit: usize },
    /// Time passes.
    Pass { millis: u64 },
    /// A queue is paused or resumed.
    Pause { queue: u8, paused: bool },
    /// Old tasks go.
    Purge { limit: usize },
    /// One task is removed, if it has finished.
    Remove { task: usize },
}

/// A task to be stored.
#[derive(Debug, Clone)]
pub(crate) struct New {
    pub queue: u8,
    pub kind: u8,
    pub owner: u8,
    pub priority: u8,
    pub delay: Option<u16>,
    pub deadline: Option<u16>,
    pub unique: Option<u8>,
    pub payload: u8,
    pub hold: Option<u8>,
    pub manual: bool,
    /// The id of an earlier task, instead of a fresh one.
    pub again: Option<usize>,
}

/// What a claim asks for.
#[derive(Debug, Clone)]
pub(crate) struct Want {
    pub worker: u8,
    pub queues: Vec<(u8, usize)>,
    /// Slots by kind.
    pub slots: Vec<usize>,
    pub limit: usize,
    pub manual: bool,
    /// Tasks of this owner only.
    pub owner: Option<u8>,
}

/// The end of a lease.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub task: usize,
    pub how: How,
    pub delay: u16,
    pub stale: bool,
}

/// How a lease ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    Complete,
    Fail,
    Retry,
    Limited,
    Snooze,
    Release,
    Cancel,
}

/// What a holder adds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    Log,
    Progress,
    Checkpoint,
    Output,
    Ask(u8),
    Close(u8),
}

fn new() -> impl Strategy<Value = New> {
    let place = (0..2_u8, 0..3_u8, 0..2_u8, 1..=10_u8);
    let delay = prop::option::weighted(0.2, 0..400_u16);
    let deadline = prop::option::weighted(0.2, 1..600_u16);
    let unique = prop::option::weighted(0.15, 0..3_u8);
    let hold = prop::option::weighted(0.4, 0..2_u8);
    let again = prop::option::weighted(0.05, any::<usize>());
    let rest = (unique, 0..2_u8, hold, prop::bool::weighted(0.1), again);
    (place, delay, deadline, rest).prop_map(|(place, delay, deadline, rest)| New {
        queue: place.0,
        kind: place.1,
        owner: place.2,
        priority: place.3,
        delay,
        deadline,
        unique: rest.0,
        payload: rest.1,
        hold: rest.2,
        manual: rest.3,
        again: rest.4,
    })
}

fn want() -> impl Strategy<Value = Want> {
    let queues = prop::collection::vec((0..2_u8, 0..20_usize), 1..3);
    let slots = prop::collection::vec(0..20_usize, 3);
    (
        0..3_u8,
        queues,
        slots,
        0..25_usize,
        prop::bool::weighted(0.1),
        prop::option::weighted(0.1, 0..2_u8),
    )
        .prop_map(|(worker, queues, slots, limit, manual, owner)| Want {
            worker,
            queues,
            slots,
            limit,
            manual,
            owner,
        })
}

fn end() -> impl Strategy<Value = End> {
    let how = prop_oneof![
        3 => Just(How::Complete),
        1 => Just(How::Fail),
        2 => Just(How::Retry),
        1 => Just(How::Limited),
        1 => Just(How::Snooze),
        1 => Just(How::Release),
        1 => Just(How::Cancel),
    ];
    (any::<usize>(), how, 0..300_u16, prop::bool::weighted(0.15)).prop_map(
        |(task, how, delay, stale)| End {
            task,
            how,
            delay,
            stale,
        },
    )
}

fn append() -> impl Strategy<Value = Op> {
    let what = prop_oneof![
        Just(What::Log),
        Just(What::Progress),
        Just(What::Checkpoint),
        Just(What::Output),
        (0..2_u8).prop_map(What::Close),
        (0..2_u8).prop_map(What::Ask),
        (0..2_u8).prop_map(What::Ask),
    ];
    (any::<usize>(), what, prop::bool::weighted(0.15)).prop_map(|(task, what, stale)| Op::Append {
        task,
        what,
        stale,
    })
}

/// Any operation, those that move tasks on more often than those that stop them.
pub(crate) fn any_op() -> impl Strategy<Value = Op> {
    let task = any::<usize>;
    prop_oneof![
        6 => prop::collection::vec(new(), 1..8).prop_map(Op::Insert),
        6 => (want(), prop::option::weighted(0.3, end()))
            .prop_map(|(want, settle)| Op::Claim { want, settle }),
        1 => (task(), prop::bool::weighted(0.3), prop::option::of(prop::bool::weighted(0.2)))
            .prop_map(|(task, manual, former)| Op::Name { task, manual, former }),
        6 => prop::collection::vec(end(), 1..4).prop_map(Op::Settle),
        2 => (task(), prop::bool::weighted(0.2))
            .prop_map(|(task, stale)| Op::Extend { task, stale }),
        2 => task().prop_map(|task| Op::Cancel { task }),
        3 => append(),
        2 => (task(), 0..2_u8).prop_map(|(task, key)| Op::Answer { task, key }),
        3 => (1..6_usize).prop_map(|limit| Op::Promote { limit }),
        2 => (prop::option::weighted(0.3, 0..3_u8), 1..6_usize)
            .prop_map(|(dead, limit)| Op::Reap { dead, limit }),
        4 => (1..400_u64).prop_map(|millis| Op::Pass { millis }),
        1 => (0..2_u8, any::<bool>()).prop_map(|(queue, paused)| Op::Pause { queue, paused }),
        1 => (1..4_usize).prop_map(|limit| Op::Purge { limit }),
        1 => task().prop_map(|task| Op::Remove { task }),
    ]
}
