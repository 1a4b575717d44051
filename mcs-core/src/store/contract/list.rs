use super::kit::{Kit, at, done, ids, work};
use crate::domain::{NewTask, Outcome, PageRequest, Retention, Status, TaskFilter, Timestamp};
use serde_json::json;
use std::time::Duration;

pub(super) async fn list_is_newest_first_without_large_parts(kit: Kit) {
    let mut wanted = kit.add_all(vec![work(), work(), work()], 0).await;
    kit.finish(work(), done(), 0).await;
    wanted.reverse();
    let listed = kit.all(&TaskFilter::default()).await;
    assert_eq!(ids(&listed)[1..], wanted);
    let large = |task: &crate::domain::Task| task.payload.is_some() || task.result.is_some();
    assert!(!listed.iter().any(large));
    assert!(!listed[1].preview.is_empty());
}

pub(super) async fn a_list_ends_where_nothing_follows(kit: Kit) {
    kit.add_all(vec![work(); 4], 0).await;
    let mut page = PageRequest::first(2);
    let first = kit.list(&TaskFilter::default(), &page).await.unwrap();
    page.after = first.next;
    assert!(page.after.is_some());
    let second = kit.list(&TaskFilter::default(), &page).await.unwrap();
    assert_eq!((second.items.len(), second.next), (2, None));
    let none = TaskFilter {
        kind: Some("none".into()),
        ..TaskFilter::default()
    };
    let empty = kit.list(&none, &PageRequest::first(2)).await.unwrap();
    assert_eq!((empty.items.len(), empty.next), (0, None));
}

pub(super) async fn a_cursor_stays_good_while_tasks_come_and_go(kit: Kit) {
    let mut wanted = Vec::new();
    for n in 0..10 {
        wanted.push(kit.finish(NewTask::new("work", json!(n)), done(), n).await);
    }
    wanted.reverse();
    let filter = TaskFilter::default();
    let mut page = PageRequest::first(3);
    let first = kit.list(&filter, &page).await.unwrap();
    assert_eq!(ids(&first.items), wanted[..3]);
    kit.add_all(vec![work(); 5], 10).await;
    // The oldest two go, and so does the very row that the cursor was made from.
    let retention = Retention {
        completed: Some(Duration::from_millis(8)),
        ..Retention::default()
    };
    assert_eq!(
        kit.purge(&retention, 100, super::kit::now(9))
            .await
            .unwrap(),
        2
    );
    page.after = first.next;
    page.limit = 100;
    let rest = kit.list(&filter, &page).await.unwrap();
    assert_eq!(ids(&rest.items), wanted[3..8]);
    kit.purge(
        &Retention {
            completed: Some(Duration::ZERO),
            ..retention
        },
        100,
        super::kit::now(9),
    )
    .await
    .unwrap();
    let rest = kit.list(&filter, &page).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (0, None));
}

pub(super) async fn an_offset_skips_matching_tasks(kit: Kit) {
    let mut wanted = Vec::new();
    for _ in 0..5 {
        kit.add(work().queue("other")).await;
        wanted.push(kit.add(work()).await);
    }
    wanted.reverse();
    let filter = TaskFilter {
        queue: Some("default".into()),
        ..TaskFilter::default()
    };
    let mut page = PageRequest {
        limit: 2,
        after: None,
        offset: 1,
    };
    let first = kit.list(&filter, &page).await.unwrap();
    assert_eq!(ids(&first.items), wanted[1..3]);
    page = PageRequest {
        after: first.next,
        ..page
    };
    let second = kit.list(&filter, &page).await.unwrap();
    assert_eq!(
        (ids(&second.items), second.next),
        (wanted[4..].to_vec(), None)
    );
    page = PageRequest {
        limit: 2,
        after: None,
        offset: 99,
    };
    assert!(kit.list(&filter, &page).await.unwrap().items.is_empty());
}

/// Tasks that differ in everything a filter looks at.
async fn various(kit: &Kit) {
    let mut time = 0;
    for kind in ["one", "two"] {
        for queue in ["q", "r"] {
            for owner in ["alice", "bob"] {
                for tags in [vec!["x", "y"], vec!["y"], Vec::new()] {
                    let mut task = NewTask::new(kind, json!(time)).queue(queue);
                    task.owner = owner.into();
                    task.tags = tags.into_iter().map(String::from).collect();
                    let id = kit.add_at(task, time).await;
                    match time % 5 {
                        0 => {}
                        1 => drop(kit.claim_one(id, time).await),
                        2 => drop(kit.cancel(vec![id], "no", super::kit::now(time)).await),
                        rest => {
                            let task = kit.claim_one(id, time).await;
                            let fail = Outcome::Fail(super::kit::broken());
                            let outcome = if rest == 3 { done() } else { fail };
                            kit.end(&task, outcome, time).await;
                        }
                    }
                    time += 1;
                }
            }
        }
    }
}

pub(super) async fn every_filter_holds_alone_and_with_others(kit: Kit) {
    various(&kit).await;
    let all = kit.all(&TaskFilter::default()).await;
    let name = |bit: bool, name: &str| bit.then(|| name.to_owned());
    let time = |bit: bool, time: Timestamp| bit.then_some(time);
    // Every combination of the seven parts, each against what the filter itself says of every task.
    for bits in 0..128 {
        let bit = |place: u32| bits & (1 << place) > 0;
        for status in Status::ALL {
            let filter = TaskFilter {
                status: bit(0).then_some(status),
                kind: name(bit(1), "two"),
                queue: name(bit(2), "q"),
                tag: name(bit(3), "y"),
                owner: name(bit(4), "bob"),
                created_from: time(bit(5), at(3)),
                created_before: time(bit(6), at(19)),
            };
            let wanted: Vec<_> = all
                .iter()
                .filter(|task| filter.matches(task))
                .cloned()
                .collect();
            assert_eq!(ids(&kit.all(&filter).await), ids(&wanted), "{filter:?}");
            if !bit(0) {
                break;
            }
        }
    }
}

pub(super) async fn filters_take_names_as_they_are(kit: Kit) {
    let odd = ["100%", "a_b", "O'Brien", "\"quoted\"", "é", "[x]"];
    for name in odd {
        let mut task = work().queue(name);
        task.tags = vec![name.into()];
        kit.add(task).await;
    }
    for name in odd {
        let by_tag = TaskFilter {
            tag: Some(name.into()),
            ..TaskFilter::default()
        };
        let by_queue = TaskFilter {
            queue: Some(name.into()),
            ..TaskFilter::default()
        };
        assert_eq!(kit.all(&by_tag).await.len(), 1, "{name}");
        assert_eq!(kit.all(&by_queue).await.len(), 1, "{name}");
    }
    for other in ["100", "a%", "axb", "É", "x", "a\0b", ""] {
        let filter = TaskFilter {
            tag: Some(other.into()),
            ..TaskFilter::default()
        };
        assert!(kit.all(&filter).await.is_empty(), "{other}");
    }
}
