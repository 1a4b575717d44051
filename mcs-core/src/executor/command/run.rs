use super::capture::Capture;
use crate::executor::Context;
use crate::process::{Child, ChildStdin, Exit, Ladder, Swept};
use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use std::pin::{Pin, pin};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// How long a command may take to end by itself once it is told to.
const TERMINATE: Duration = Duration::from_secs(5);
/// How much of the time that is left goes to that, so that the rest is enough to kill and to sweep.
const SHARE: f64 = 0.7;
/// How long the rest of the output may take once nobody is left to write more.
const REST: Duration = Duration::from_secs(1);

/// The longest that it takes to end a command: until it is killed, and until nothing of it is left.
pub(super) const TIME_TO_END: Duration = Duration::from_secs(8);

/// A command that has ended, with everything that came from it.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) exit: Exit,
    pub(super) swept: Swept,
    pub(super) took: Duration,
    /// It was told to end.
    pub(super) is_stopped: bool,
}

/// Runs `child` to its end, or ends it when the attempt shall end.
pub(super) async fn run(
    child: &mut Child,
    input: Option<&str>,
    capture: &mut Capture,
    context: &Context,
) -> Ran {
    let started = Instant::now();
    let (stdin, stdout) = (child.take_stdin(), child.take_stdout());
    let reading = async {
        if let Some(stdout) = stdout {
            capture.read(stdout).await;
        }
    };
    let piping = async { tokio::join!(feed(stdin, input), reading) };
    let mut piping = pin!(piping.map(drop).fuse());
    let waiting = async {
        tokio::select! {
            biased;
            _ = child.wait() => false,
            () = context.cancelled() => true,
        }
    };
    let is_stopped = beside(waiting, piping.as_mut()).await;
    let took = started.elapsed();
    let ending = async {
        let exit = if is_stopped {
            let limit = context.time_left().min(TIME_TO_END).mul_f64(SHARE);
            child
                .stop(&Ladder::terminate(TERMINATE).within(limit))
                .await
        } else {
            child.wait().await
        };
        (exit, child.end().await)
    };
    let (exit, swept) = beside(ending, piping.as_mut()).await;
    // Nobody is left to write, so that this ends at once unless somebody could not be ended.
    if !piping.is_terminated() {
        let _ = timeout(REST, piping).await;
    }
    Ran {
        exit,
        swept,
        took,
        is_stopped,
    }
}

/// Does `work`, and `side` meanwhile.
async fn beside<T>(work: impl Future<Output = T>, side: Pin<&mut impl Future<Output = ()>>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => done,
        () = side => work.await,
    }
}

async fn feed(stdin: Option<ChildStdin>, input: Option<&str>) {
    if let (Some(mut stdin), Some(input)) = (stdin, input) {
        // A program need not read all of its input.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
}
