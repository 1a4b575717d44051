use super::kit::{Kit, at, done, retry, work};
use crate::domain::{Cursor, EventBatch, Progress, TaskId};
use crate::store::Entry;

impl Kit {
    /// What all are told of one task, batch by batch.
    async fn told_of(&self, id: TaskId) -> Vec<EventBatch> {
        let mut batches = self.events(Cursor(0), 10_000).await.unwrap();
        for batch in &mut batches {
            batch.events.retain(|event| event.task == id);
        }
        batches.retain(|batch| !batch.events.is_empty());
        batches
    }
}

fn progress(percent: f32) -> Entry {
    Entry::Progress(Progress {
        percent: Some(percent),
        message: None,
    })
}

pub(super) async fn the_events_of_a_task_are_those_that_all_are_told(kit: Kit) {
    let tasks = kit.take_new(3).await;
    for (task, time) in tasks.iter().zip(1..) {
        kit.say(task, progress(50.0), time).await;
        kit.end(task, retry(time), time).await;
    }
    let other = kit.add_at(work(), 9).await;
    for id in tasks.iter().map(|task| task.id).chain([other]) {
        let found = kit.task_events(id, Cursor(0), 100).await.unwrap();
        assert_eq!(found.batches, kit.told_of(id).await);
        assert_eq!(found.next, None);
    }
    let unknown = TaskId::from_bytes([9; 16]);
    let none = kit.task_events(unknown, Cursor(0), 100).await.unwrap();
    assert_eq!((none.batches, none.next), (Vec::new(), None));
}

pub(super) async fn the_events_of_a_task_are_read_page_by_page(kit: Kit) {
    kit.add(work()).await;
    let task = kit.start(work(), 1).await;
    for time in 2..6 {
        kit.say(&task, progress(10.0), time).await;
        kit.add_at(work(), time).await;
    }
    let mut pages = Vec::new();
    let mut after = Cursor(0);
    loop {
        let page = kit.task_events(task.id, after, 2).await.unwrap();
        assert!(page.batches.len() <= 2);
        pages.extend(page.batches);
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(pages, kit.told_of(task.id).await);
    assert_eq!(pages.last().unwrap().at, at(5));
    let last = Cursor(pages.last().unwrap().seq);
    let later = kit.task_events(task.id, last, 2).await.unwrap();
    assert_eq!((later.batches, later.next), (Vec::new(), None));
}

pub(super) async fn the_events_of_a_task_end_with_it(kit: Kit) {
    let task = kit.start(work(), 0).await;
    kit.end(&task, done(), 1).await;
    for time in 2..5 {
        kit.add_at(work(), time).await;
    }
    let found = kit.task_events(task.id, Cursor(0), 3).await.unwrap();
    assert_eq!(found.batches, kit.told_of(task.id).await);
    assert_eq!(
        found.batches.len(),
        3,
        "it was created, started and completed"
    );
    assert_eq!(found.next, None, "nothing comes after an end");
    let end = found.batches[2].seq;
    for after in end..end + 3 {
        let later = kit.task_events(task.id, Cursor(after), 3).await.unwrap();
        assert_eq!((later.batches, later.next), (Vec::new(), None), "{after}");
    }
}
