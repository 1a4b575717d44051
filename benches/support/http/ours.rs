use super::STORE;
use super::server::told_to_end;
use crate::support::{KIND, NoOp, Outcome, check, new_engine, open_store, per_second, stop, tasks};
use mcs_core::domain::{NewTask, QueueChange};
use mcs_core::engine::{Engine, EngineBuilder};
use mcs_core::executor::KindSpec;
use mcs_core::provider::models::ModelTable;
use mcs_core::service::Service;
use mcs_core::store::sqlite::{SqliteStore, Synchronous};
use mcs_http::{Options, serve};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Bytes of a payload.
const PAYLOAD: usize = 250;
/// The queue that is drained.
const QUEUE: &str = "default";
/// Tasks of it that run at a time.
const CONCURRENCY: usize = 200;
const BATCH: usize = 1000;

/// Serves the store in `directory` as the program does, on a file in which each commit is durable. Nothing runs its tasks.
pub(crate) async fn serve_ours(directory: &Path) -> Outcome {
    let store = open_store(&directory.join(STORE), Synchronous::Full)?;
    let kind = KindSpec::new(KIND, "Is stored.");
    let engine = new_engine(&store).kind(kind).start().await?;
    let service = service(&store, engine);
    let (serving, options) = listen(&service).await?;
    told_to_end().await;
    options.stop.cancel();
    serving.await??;
    service.shutdown(Duration::ZERO).await?;
    Ok(())
}

/// Prints how many tasks a second so many callers store, one each call, without HTTP.
pub(crate) async fn submit(directory: &Path, callers: usize, each: usize) -> Outcome {
    let store = open_store(&directory.join(STORE), Synchronous::Full)?;
    let kind = KindSpec::new(KIND, "Is stored.");
    let engine = new_engine(&store).kind(kind).start().await?;
    let start = Instant::now();
    let callers_of = (0..callers).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move {
            for task in tasks(each, PAYLOAD) {
                engine.submit(task).await?;
            }
            Outcome::Ok(())
        })
    });
    for caller in callers_of.collect::<Vec<_>>() {
        caller.await??;
    }
    println!("{:.1}", per_second(callers * each, start.elapsed()));
    stop(engine, &store).await
}

/// Serves a store with `count` tasks in a paused queue. Told to go, it runs them and prints how many a second.
pub(crate) async fn serve_drain(directory: &Path, count: usize) -> Outcome {
    let store = open_store(&directory.join(STORE), Synchronous::Normal)?;
    let paused = QueueChange {
        paused: Some(true),
        ..QueueChange::default()
    };
    let (executor, reached) = NoOp::new(count);
    let engine = new_engine(&store)
        .queue(QUEUE, CONCURRENCY)
        .executor(executor);
    let engine = EngineBuilder::start(engine).await?;
    engine.change_queue(QUEUE, paused).await?;
    for _ in 0..count / BATCH {
        engine.submit_many(tasks(BATCH, PAYLOAD)).await?;
    }
    let service = service(&store, engine);
    let (serving, options) = listen(&service).await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    if lines.next_line().await?.is_some() {
        println!("{:.1}", drain(&service, &reached, count).await?);
    }
    // The parent closes the input once it has what it came for.
    lines.next_line().await?;
    options.stop.cancel();
    serving.await??;
    service.shutdown(Duration::ZERO).await?;
    Ok(())
}

async fn drain(service: &Service, reached: &Notify, count: usize) -> Outcome<f64> {
    let engine = service.engine();
    let resume = QueueChange {
        paused: Some(false),
        ..QueueChange::default()
    };
    let start = Instant::now();
    engine.change_queue(QUEUE, resume).await?;
    reached.notified().await;
    let mut done = 0;
    while done < count as u64 {
        done = engine.store().stats(None).await?.counts.completed;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    check(done == count as u64, || {
        format!("{done} of {count} are completed")
    })?;
    Ok(per_second(count, start.elapsed()))
}

fn service(store: &Arc<SqliteStore>, engine: Engine) -> Service {
    Service::new(engine, Arc::clone(store) as _, ModelTable::default())
}

type Serving = tokio::task::JoinHandle<Result<(), mcs_http::ServeError>>;

/// Serves on a free port and prints which.
async fn listen(service: &Service) -> Outcome<(Serving, Options)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let options = Options::default();
    let serving = tokio::spawn(serve(listener, service.clone(), options.clone()));
    println!("{address}");
    Ok((serving, options))
}
