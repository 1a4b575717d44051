use super::leader::Leader;
use super::snapshot::{Adopted, Found, Snapshot};
use super::tag::{self, Instance};
use super::{Exit, Identity, Signal};
use std::collections::HashSet;
use std::ffi::OsString;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio_util::sync::DropGuard;

/// What a sweep ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept {
    /// How many processes were alive and were killed, the child itself not counted.
    pub ended: usize,
    /// What was still alive when the sweep reported: processes that wait for a device, or that this user may not kill.
    /// They are tried again for as long as the spawner lives.
    pub left: Vec<Identity>,
}

/// One tree, or what dead instances left, on its way to its end.
#[derive(Debug)]
pub(super) struct Sweep {
    target: Target,
    /// All that were asked to end, and all that were found after that.
    asked: HashSet<Identity>,
    seen: HashSet<Identity>,
    frozen: bool,
    /// How many looks in a row found nothing.
    clean: u32,
    /// How many looks in a row were clean but for what could not be told.
    unclear: u32,
    rounds: u32,
    /// How many times nobody could look.
    blind: u32,
    /// The leader was known to have ended before the last look.
    is_headless: bool,
    began: Instant,
    reply: Option<oneshot::Sender<Ended>>,
    /// Until it reports: its room among all sweeps, and what waits for it.
    room: Option<OwnedSemaphorePermit>,
    before: Option<DropGuard>,
}

/// What a sweep reports.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) swept: Swept,
    pub(super) exit: Exit,
}

impl Ended {
    /// What is said where the thread that sweeps is gone: the group was killed by whoever found that.
    pub(super) fn unknown() -> Self {
        Self {
            swept: Swept::default(),
            exit: Exit::KILLED,
        }
    }
}

#[derive(Debug)]
pub(super) enum Target {
    Tree {
        leader: Option<Leader>,
        segment: String,
    },
    /// What instances that are gone left behind. This process carries tags of such itself where one of them started it,
    /// and is no orphan of theirs as long as it lives.
    Orphans { inherited: Option<OsString> },
}

/// What starts processes faster than they are found is killed as it is found.
const FREEZING_ROUNDS: u32 = 20;
/// A process that forks while the list of processes is read may hide in it once.
const CLEAN_LOOKS: u32 = 2;
/// A process may well have no environment; after so many looks at it, it is taken to have none.
const UNCLEAR_LOOKS: u32 = 5;
/// After so long it reports what it could not end, and goes on at leisure.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long orphans have to end by themselves once they were asked to, and how often it is looked meanwhile.
const GENTLE: Duration = Duration::from_secs(2);
const GENTLE_PAUSE: Duration = Duration::from_millis(20);
/// Between looks: soon at first, since most processes end at once.
const SHORTEST_PAUSE: Duration = Duration::from_micros(500);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);
const LEISURE: Duration = Duration::from_secs(1);

impl Sweep {
    pub(super) fn new(
        target: Target,
        room: OwnedSemaphorePermit,
    ) -> (Self, oneshot::Receiver<Ended>) {
        let (reply, ended) = oneshot::channel();
        let sweep = Self {
            target,
            seen: HashSet::new(),
            frozen: false,
            clean: 0,
            unclear: 0,
            rounds: 0,
            blind: 0,
            is_headless: false,
            asked: HashSet::new(),
            began: Instant::now(),
            reply: Some(reply),
            room: Some(room),
            before: None,
        };
        (sweep, ended)
    }

    /// The same sweep, which ends `before` when it reports.
    pub(super) fn before(mut self, before: DropGuard) -> Self {
        self.before = Some(before);
        self
    }

    /// No process of its target started before.
    pub(super) fn since(&self) -> u64 {
        match &self.target {
            Target::Tree {
                leader: Some(leader),
                ..
            } => leader.identity().start_time,
            Target::Tree { leader: None, .. } | Target::Orphans { .. } => 0,
        }
    }

    /// How long until it looks again.
    pub(super) fn pause(&self) -> Duration {
        if self.has_reported() {
            LEISURE
        } else if self.is_gentle() && !self.asked.is_empty() {
            GENTLE_PAUSE
        } else {
            (SHORTEST_PAUSE * (self.rounds + self.blind)).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
        }
    }

    /// Whether nobody waits for it any more, because what is left does not end.
    pub(super) fn has_reported(&self) -> bool {
        self.reply.is_none()
    }

    /// Kills what can be killed without a look, in place of all that follows.
    pub(super) fn kill(mut self) {
        self.tell(&[], Signal::Kill);
    }

    /// What it does when nobody could look: nothing counts as clean, and whoever is known stands still, so that others can
    /// be told by it later. In the end it is killed without them.
    pub(super) fn blind_round(&mut self) {
        self.blind += 1;
        (self.clean, self.unclear) = (0, 0);
        if self.is_gentle() {
            return;
        }
        let known: Vec<Identity> = self.seen.iter().copied().collect();
        if self.began.elapsed() < PATIENCE {
            self.tell(&known, Signal::Stop);
            return;
        }
        self.tell(&known, Signal::Kill);
        if !self.has_reported() {
            let exit = self.exit();
            self.give_up(known, exit);
        }
    }

    /// Ends what `snapshot` has of its target. Returns whether that is all over.
    pub(super) fn round(&mut self, snapshot: &Snapshot) -> bool {
        let found = self.find(snapshot);
        self.reap(snapshot.adopted());
        if self.is_gentle() && !found.alive.is_empty() {
            self.ask(&found.alive);
            return false;
        }
        self.rounds += 1;
        let is_new = |one: &&Identity| !self.seen.contains(*one);
        let new: Vec<Identity> = found.alive.iter().filter(is_new).copied().collect();
        self.seen.extend(&new);
        if self.is_frozen(new.is_empty()) {
            self.tell(&found.alive, Signal::Kill);
        } else {
            self.tell(&new, Signal::Stop);
        }
        // What the leader leaves shows once it has ended.
        if self.is_headless {
            self.count(&found);
        }
        let exit = self.exit();
        self.is_headless = exit.is_some();
        if let Some(exit) = exit.filter(|_| self.clean >= CLEAN_LOOKS) {
            self.finish(exit);
            return true;
        }
        if !self.has_reported() && self.began.elapsed() >= PATIENCE {
            self.give_up(found.alive, exit);
        }
        false
    }

    /// Whether it still asks instead of killing: orphans were in the middle of something, and a program may keep what that
    /// cost once it is asked to end.
    fn is_gentle(&self) -> bool {
        matches!(self.target, Target::Orphans { .. }) && self.began.elapsed() < GENTLE
    }

    fn ask(&mut self, identities: &[Identity]) {
        for identity in identities {
            if self.asked.insert(*identity) {
                identity.signal(Signal::Terminate);
            }
        }
    }

    /// Everybody is stopped before anybody is killed: what stands still starts nothing more, and a process that carries
    /// no tag can be told by its parent as long as that is there.
    fn is_frozen(&mut self, nothing_is_new: bool) -> bool {
        self.frozen |= (nothing_is_new && self.rounds > 1) || self.rounds > FREEZING_ROUNDS;
        self.frozen
    }

    fn tell(&mut self, identities: &[Identity], signal: Signal) {
        if let Target::Tree {
            leader: Some(leader),
            ..
        } = &mut self.target
        {
            leader.signal(signal);
        }
        for identity in identities {
            identity.signal(signal);
        }
    }

    fn find(&self, snapshot: &Snapshot) -> Found {
        match &self.target {
            Target::Tree {
                leader: Some(leader),
                segment,
            } => snapshot.tree_of(leader.identity(), segment),
            Target::Tree { leader: None, .. } => Found::default(),
            Target::Orphans { inherited } => {
                let inherited = inherited.as_ref().map(|value| value.as_encoded_bytes());
                let is_own = |segment: &[u8]| {
                    inherited.is_some_and(|own| tag::segments(own).any(|one| one == segment))
                };
                let is_dead = |segment: &[u8]| {
                    Instance::parse(segment).is_some_and(|it| it.is_provably_dead())
                };
                snapshot.tagged(|value| {
                    tag::segments(value).any(|segment| !is_own(segment) && is_dead(segment))
                })
            }
        }
    }

    /// Takes note of those of the tree that have ended and whose parent this process became, as the first process of a
    /// container becomes that of all who lost theirs. The leader is kept until the end.
    fn reap(&self, adopted: &[Adopted]) {
        let leader = match &self.target {
            Target::Tree { leader, .. } => leader.as_ref().map(Leader::identity),
            Target::Orphans { .. } => None,
        };
        let is_own = |one: &&Adopted| {
            let is_of_group = leader.is_some_and(|leader| leader.pid == one.group);
            (is_of_group || self.seen.contains(&one.identity) || self.asked.contains(&one.identity))
                && Some(one.identity) != leader
        };
        for one in adopted.iter().filter(is_own) {
            one.identity.reap();
        }
    }

    fn count(&mut self, found: &Found) {
        if !found.alive.is_empty() {
            (self.clean, self.unclear) = (0, 0);
        } else if found.is_unclear && self.unclear < UNCLEAR_LOOKS {
            self.unclear += 1;
        } else {
            self.clean += 1;
        }
    }

    /// How the leader ended, if it has; orphans have no leader to wait for.
    fn exit(&mut self) -> Option<Exit> {
        match &mut self.target {
            Target::Tree {
                leader: Some(leader),
                ..
            } => leader.exit(),
            Target::Tree { leader: None, .. } | Target::Orphans { .. } => Some(Exit::KILLED),
        }
    }

    fn finish(&mut self, exit: Exit) {
        if let Target::Tree { leader, .. } = &mut self.target
            && let Some(leader) = leader.take()
        {
            leader.reap();
        }
        self.report(Vec::new(), exit);
    }

    fn give_up(&mut self, mut left: Vec<Identity>, exit: Option<Exit>) {
        if let Target::Tree {
            leader: Some(leader),
            ..
        } = &self.target
            && exit.is_none()
        {
            left.push(leader.identity());
        }
        let pids: Vec<u32> = left.iter().map(|identity| identity.pid).collect();
        tracing::warn!(
            ?pids,
            "processes were killed and do not end; they are tried again"
        );
        self.report(left, exit.unwrap_or(Exit::KILLED));
    }

    fn report(&mut self, left: Vec<Identity>, exit: Exit) {
        let Some(reply) = self.reply.take() else {
            return;
        };
        let found: HashSet<_> = self.seen.union(&self.asked).copied().collect();
        let ended = found.difference(&left.iter().copied().collect()).count();
        self.room = None;
        self.before = None;
        // Nobody may be waiting: a child that was dropped is swept all the same.
        let _ = reply.send(Ended {
            swept: Swept { ended, left },
            exit,
        });
    }
}
