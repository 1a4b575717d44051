//! Random readers against what they must have heard: everything once, in order, however often they go away.

use crate::world::{World, idle, of_queue, of_task};
use mcs_core::domain::{
    Claim, Cursor, Dispatch, NamedTask, Outcome, Settlement, TaskEvent, TaskId, Usage, WorkerId,
};
use mcs_core::service::{EventFilter, EventPlace, Followed, TaskFollower};
use proptest::prelude::*;
use std::task::Poll;
use std::time::Duration;

#[derive(Debug, Clone)]
enum Step {
    /// So many tasks of a queue are stored, each alone or together.
    Store {
        queue: u8,
        tasks: usize,
        together: bool,
    },
    /// The one task that is followed by its id does something.
    Move,
    /// Others get their turn.
    Yield(usize),
    /// The reader asks so often what happens next, and does not wait for it.
    Read(usize),
    /// The reader goes away and comes back.
    ComeBack,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_u8, 1..8_usize, any::<bool>())
            .prop_map(|(queue, tasks, together)| Step::Store { queue, tasks, together }),
        1 => (0..3_u8, 250..600_usize)
            .prop_map(|(queue, tasks)| Step::Store { queue, tasks, together: false }),
        3 => Just(Step::Move),
        4 => (1..6_usize).prop_map(Step::Yield),
        4 => (1..30_usize).prop_map(Step::Read),
        2 => Just(Step::ComeBack),
    ]
}

/// A reader that keeps its place.
struct Reader {
    filter: EventFilter,
    follower: TaskFollower,
    place: EventPlace,
    heard: Vec<(EventPlace, TaskEvent)>,
}

impl Reader {
    async fn new(world: &World, filter: EventFilter) -> Self {
        let place = EventPlace::end_of(0);
        Self {
            follower: world.follow(filter.clone(), Some(place)).await,
            filter,
            place,
            heard: Vec::new(),
        }
    }

    async fn come_back(&mut self, world: &World) {
        self.follower = world.follow(self.filter.clone(), Some(self.place)).await;
    }

    /// Looks once what happens next, and drops the wait for it. Says whether it heard something.
    async fn look(&mut self, world: &World) -> bool {
        let told = {
            let mut next = Box::pin(self.follower.next());
            std::future::poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await
        };
        let Poll::Ready(told) = told else {
            return false;
        };
        match told.unwrap().unwrap() {
            Followed::Events(portion) => {
                for (place, event) in portion.iter() {
                    assert!(self.place < place, "in order");
                    self.place = place;
                    self.heard.push((place, event.clone()));
                }
            }
            Followed::FellBehind => self.come_back(world).await,
            other => panic!("{other:?}"),
        }
        true
    }
}

/// Everything that the store told, as the filter means it.
async fn expected(world: &World, filter: &EventFilter) -> Vec<(EventPlace, TaskEvent)> {
    let batches = world.store.events(Cursor(0), 100_000).await.unwrap();
    let all = batches.into_iter().flat_map(|batch| {
        let places = (0..).map(move |index| EventPlace::new(batch.seq, index));
        places.zip(batch.events)
    });
    let is_meant = |event: &TaskEvent| {
        let queue = filter.queue.as_deref();
        filter.task.is_none_or(|task| task == event.task)
            && queue.is_none_or(|queue| *queue == *event.queue)
    };
    all.filter(|(_, event)| is_meant(event)).collect()
}

async fn store(world: &World, queue: u8, tasks: usize, together: bool) {
    let task = || idle(&format!("q{queue}"));
    if together {
        world.add(vec![task(); tasks]).await;
    } else {
        for _ in 0..tasks {
            world.add(vec![task()]).await;
        }
    }
}

/// Puts the first task off again and again, which makes an event each time.
async fn put_off(world: &World, task: TaskId) {
    let claim = Claim {
        worker: WorkerId("w".into()),
        settle: Vec::new(),
        queues: Vec::new(),
        limit: 1,
        dispatch: Dispatch::Auto,
        work_directory: None,
        owner: None,
        task: Some(NamedTask {
            id: task,
            former: None,
            dispatch: Dispatch::Auto,
        }),
        lease: Duration::from_secs(30),
    };
    let claimed = world
        .store
        .claim(claim, None)
        .await
        .unwrap()
        .tasks
        .remove(0);
    let settlement = Settlement {
        task,
        lease: claimed.lease.unwrap().number,
        outcome: Outcome::Release,
        usage: Usage::default(),
    };
    world.store.settle(vec![settlement], None).await.unwrap();
}

async fn history(steps: &[Step]) {
    let world = World::new().await;
    let task = world.add(vec![idle("q0")]).await[0];
    let filters = [EventFilter::default(), of_queue("q1"), of_task(task)];
    let mut readers = Vec::new();
    for filter in filters {
        readers.push(Reader::new(&world, filter).await);
    }
    for step in steps {
        match step {
            Step::Store {
                queue,
                tasks,
                together,
            } => store(&world, *queue, *tasks, *together).await,
            Step::Move => put_off(&world, task).await,
            Step::Yield(times) => {
                for _ in 0..*times {
                    tokio::task::yield_now().await;
                }
            }
            Step::Read(times) => {
                for reader in &mut readers {
                    for _ in 0..*times {
                        reader.look(&world).await;
                    }
                }
            }
            Step::ComeBack => {
                for reader in &mut readers {
                    reader.come_back(&world).await;
                }
            }
        }
    }
    for reader in &mut readers {
        let wanted = expected(&world, &reader.filter).await;
        let mut idle = 0;
        while reader.heard.len() < wanted.len() {
            if !reader.look(&world).await {
                idle += 1;
                assert!(
                    idle < 10_000,
                    "{} of {} came",
                    reader.heard.len(),
                    wanted.len()
                );
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(reader.heard, wanted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 100, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn whoever_comes_back_hears_everything_once(steps in prop::collection::vec(step(), 1..30)) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(history(&steps));
    }
}
