use super::kit::{Kit, ask, at, broken, done, now, retry, work};
use crate::domain::{Event, Outcome, Status, Task, next};

/// A task with this status, as its holder knows it if it has or had one.
async fn in_status(kit: &Kit, status: Status) -> Task {
    if status == Status::Pending {
        let task = kit.start(work(), 0).await;
        kit.end(&task, Outcome::Release, 0).await;
        return task;
    }
    let task = kit.start(work(), 0).await;
    match status {
        Status::Pending | Status::Processing => {}
        Status::InputRequired => drop(kit.say(&task, ask("q"), 0).await),
        Status::Completed => drop(kit.end(&task, done(), 0).await),
        Status::Failed => drop(kit.end(&task, Outcome::Fail(broken()), 0).await),
        Status::Cancelled => drop(kit.end(&task, Outcome::Cancel(broken()), 0).await),
    }
    task
}

/// Does to the task what makes the event, by its former lease where it has none.
async fn happen(kit: &Kit, task: &Task, event: Event) {
    match event {
        Event::Claim => drop(kit.claims(super::kit::want_task(task.id), 1).await),
        Event::Ask => drop(kit.say(task, ask("p"), 1).await),
        Event::Answer => drop(kit.answer(task.id, "q", 1).await),
        Event::Complete => drop(kit.end(task, done(), 1).await),
        Event::Fail => drop(kit.end(task, Outcome::Fail(broken()), 1).await),
        Event::Retry => drop(kit.end(task, retry(1), 1).await),
        Event::Snooze => drop(kit.end(task, Outcome::Snooze(at(1)), 1).await),
        Event::Release => drop(kit.end(task, Outcome::Release, 1).await),
        Event::Rescue => drop(kit.reap(&[], 1000, now(60_000)).await.unwrap()),
        Event::Cancel if task.status.is_leased() => {
            let _ = kit.end(task, Outcome::Cancel(broken()), 1).await;
        }
        Event::Cancel => drop(kit.cancel(vec![task.id], "no", now(1)).await.unwrap()),
    }
}

pub(super) async fn every_status_takes_what_the_table_says(kit: Kit) {
    for from in Status::ALL {
        for event in Event::ALL {
            // A pending task fails by its deadline, which has cases of its own: by a former lease it does not.
            if (from, event) == (Status::Pending, Event::Fail) {
                continue;
            }
            let mut task = in_status(&kit, from).await;
            task.status = from;
            assert_eq!(kit.status(task.id).await, from);
            happen(&kit, &task, event).await;
            let wanted = next(from, event).unwrap_or(from);
            assert_eq!(kit.status(task.id).await, wanted, "{from} {event:?}");
        }
    }
}

pub(super) async fn a_terminal_task_never_changes(kit: Kit) {
    for from in [Status::Completed, Status::Failed, Status::Cancelled] {
        let task = in_status(&kit, from).await;
        let before = kit.read(task.id).await;
        let story = kit.story(task.id).await;
        for event in Event::ALL {
            happen(&kit, &task, event).await;
            kit.cancel(vec![task.id], "no", now(1)).await.unwrap();
            kit.promote(100, now(90_000)).await.unwrap();
            assert_eq!(kit.read(task.id).await, before, "{from} {event:?}");
        }
        assert_eq!(kit.story(task.id).await, story);
    }
}
