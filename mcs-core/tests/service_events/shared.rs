//! Readers that come and go while many threads write to a file.
#![cfg(feature = "sqlite")]

use crate::world::{World, idle, of_queue};
use mcs_core::domain::Cursor;
use mcs_core::service::{EventFilter, EventPlace, Followed};
use mcs_core::store::sqlite::{SqliteOptions, SqliteStore, Synchronous};
use std::sync::Arc;

/// Commits of each writer.
const COMMITS: usize = 150;
const WRITERS: usize = 4;
const READERS: usize = 8;

/// Reads until `wanted` events are heard, and goes away after each `patience` of what it hears.
async fn read(
    world: Arc<World>,
    filter: EventFilter,
    wanted: usize,
    patience: usize,
) -> Vec<EventPlace> {
    let mut heard = Vec::new();
    let mut place = EventPlace::end_of(0);
    while heard.len() < wanted {
        let mut follower = world.follow(filter.clone(), Some(place)).await;
        for _ in 0..patience {
            if heard.len() >= wanted {
                break;
            }
            match follower.next().await.unwrap().unwrap() {
                Followed::Events(portion) => heard.extend(portion.iter().map(|(place, _)| place)),
                Followed::FellBehind => break,
                other => panic!("{other:?}"),
            }
            place = *heard.last().unwrap();
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_that_come_and_go_hear_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = SqliteOptions::new(folder.path().join("mcs.db"));
    options.synchronous = Synchronous::Normal;
    let store = Arc::new(SqliteStore::open(&options).unwrap());
    let world = Arc::new(World::on(store).await);
    let readers: Vec<_> = (0..READERS)
        .map(|number| {
            let even = number % 2 == 0;
            let filter = if even {
                EventFilter::default()
            } else {
                of_queue("q1")
            };
            let wanted = COMMITS * if even { 2 * WRITERS } else { WRITERS };
            tokio::spawn(read(
                Arc::clone(&world),
                filter,
                wanted,
                1 + number * number * 5,
            ))
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                for _ in 0..COMMITS {
                    world.add(vec![idle("q0"), idle("q1")]).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let batches = world.store.events(Cursor(0), 100_000).await.unwrap();
    let of = |queue: Option<&str>| -> Vec<EventPlace> {
        let places = batches.iter().flat_map(|batch| {
            let meant = (0..)
                .zip(&batch.events)
                .filter(|(_, event)| queue.is_none_or(|queue| *queue == *event.queue));
            meant.map(|(index, _)| EventPlace::new(batch.seq, index))
        });
        places.collect()
    };
    for (number, reader) in readers.into_iter().enumerate() {
        let queue = (number % 2 == 1).then_some("q1");
        assert_eq!(reader.await.unwrap(), of(queue), "reader {number}");
    }
}
