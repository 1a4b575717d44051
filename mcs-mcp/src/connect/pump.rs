use super::LAST_ANSWERS;
use super::call::forward;
use super::lines::Input;
use super::message::{Kind, Message};
use super::remote::Remote;
use super::session::Sessions;
use super::tell::{Call, Notice, tell_all};
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Passes messages between a client and a service.
pub(super) struct Pump {
    remote: Remote,
    output: mpsc::Sender<Vec<u8>>,
    /// The session of a client of an earlier protocol.
    sessions: Option<Arc<Sessions>>,
    /// Requests that are not answered, by their ids.
    calls: HashMap<String, Call>,
    running: JoinSet<String>,
    notices: mpsc::Sender<Notice>,
    telling: JoinSet<()>,
}

/// Most requests that are under way at a time.
const CALLS: usize = 1024;
/// Most of what is not answered that waits to be told.
const NOTICES: usize = 256;
/// Longest time that the end of a session may take.
const LEAVING: Duration = Duration::from_millis(500);
/// The code of an error that is not the client's.
const INTERNAL: i32 = -32603;

impl Pump {
    pub(super) fn new(remote: Remote, output: mpsc::Sender<Vec<u8>>) -> Self {
        let (notices, waiting) = mpsc::channel(NOTICES);
        let mut telling = JoinSet::new();
        telling.spawn(tell_all(remote.clone(), output.clone(), waiting));
        Self {
            remote,
            output,
            sessions: None,
            calls: HashMap::new(),
            running: JoinSet::new(),
            notices,
            telling,
        }
    }

    /// Passes on what comes in until it ends, or nobody reads what comes back. Work that was begun goes on in the service.
    pub(super) async fn run(mut self, mut input: Input) {
        let (output, ended) = (self.output.clone(), input.ended.clone());
        let overdue = async {
            ended.cancelled().await;
            sleep(LAST_ANSWERS).await;
        };
        let patient = tokio::select! {
            () = self.serve(&mut input.lines) => true,
            () = output.closed() => true,
            // A service that says nothing keeps nobody here.
            () = overdue => false,
        };
        let Self {
            sessions,
            mut running,
            notices,
            mut telling,
            ..
        } = self;
        drop(notices);
        if patient {
            let last = async {
                while running.join_next().await.is_some() {}
                while telling.join_next().await.is_some() {}
            };
            let _ = timeout(LAST_ANSWERS, last).await;
        }
        running.shutdown().await;
        telling.shutdown().await;
        if let Some(sessions) = sessions {
            let _ = timeout(LEAVING, sessions.leave()).await;
        }
    }

    async fn serve(&mut self, lines: &mut mpsc::Receiver<Vec<u8>>) {
        loop {
            tokio::select! {
                line = lines.recv() => match line {
                    Some(line) => self.take(line).await,
                    None => return,
                },
                Some(done) = self.running.join_next() => self.forget(done.ok()),
            }
        }
    }

    async fn take(&mut self, line: Vec<u8>) {
        let Some(message) = Message::parse(line) else {
            tracing::warn!("dropped a line that is no message");
            return;
        };
        match message.kind.clone() {
            Kind::Initialize { id } if !message.is_modern() => self.open(&id, message).await,
            Kind::Initialize { id } | Kind::Request { id } => self.call(id, message).await,
            Kind::Cancelled { id } => self.cancel(&id, message).await,
            Kind::Initialized | Kind::Answer { .. } | Kind::Other => self.tell(message, None).await,
        }
    }

    /// Opens a session. What follows in it has to wait for that.
    async fn open(&mut self, id: &str, message: Message) {
        match Sessions::open(&self.remote, &self.output, message.body).await {
            Ok((sessions, answer)) => {
                self.sessions = sessions.map(Arc::new);
                let _ = self.output.send(answer).await;
            }
            Err(failure) => fail(&self.output, id, &failure.to_string()).await,
        }
    }

    async fn call(&mut self, id: String, message: Message) {
        while let Some(done) = self.running.try_join_next() {
            self.forget(done.ok());
        }
        if self.running.len() >= CALLS {
            let problem =
                format!("{CALLS} requests are under way, and no more are taken at a time");
            return fail(&self.output, &id, &problem).await;
        }
        let (remote, sessions, output) = (
            self.remote.clone(),
            self.sessions.clone(),
            self.output.clone(),
        );
        let (arrived, unwanted) = (CancellationToken::new(), CancellationToken::new());
        let arriving = arrived.clone().drop_guard();
        let (there, left) = (arrived.clone(), unwanted.clone());
        let (known, in_session) = (id.clone(), sessions.is_some() && !message.is_modern());
        let task = self.running.spawn(async move {
            let sessions = sessions.as_deref();
            // One that is not wanted is left when it has arrived: before, a cancellation would overtake it.
            let left_there = async {
                left.cancelled().await;
                there.cancelled().await;
            };
            tokio::select! {
                done = forward(&remote, sessions, &message, &output, arriving) => {
                    if let (Err(failure), false) = (done, left.is_cancelled()) {
                        fail(&output, &id, &failure.to_string()).await;
                    }
                }
                () = left_there => {}
            }
            id
        });
        let call = Call {
            task,
            in_session,
            arrived,
            unwanted,
        };
        self.calls.insert(known, call);
    }

    /// Leaves a request. In a session the service is told too; without one, to leave it says so.
    async fn cancel(&mut self, id: &str, message: Message) {
        let call = self.calls.remove(id);
        match call {
            Some(call) if !call.in_session => call.task.abort(),
            call => {
                if let Some(call) = &call {
                    call.unwanted.cancel();
                }
                self.tell(message, call).await;
            }
        }
    }

    async fn tell(&self, message: Message, cancelled: Option<Call>) {
        let sessions = self.sessions.clone();
        if sessions.is_none() && matches!(message.kind, Kind::Cancelled { .. }) {
            return;
        }
        let notice = Notice {
            message,
            sessions,
            cancelled,
        };
        let _ = self.notices.send(notice).await;
    }

    fn forget(&mut self, done: Option<String>) {
        if let Some(id) = done {
            self.calls.remove(&id);
        }
    }
}

/// Answers a request with an error. Its id was JSON when it came.
async fn fail(output: &mpsc::Sender<Vec<u8>>, id: &str, problem: &str) {
    let id = serde_json::from_str::<Box<RawValue>>(id).ok();
    let error = json!({"code": INTERNAL, "message": problem});
    let answer = json!({"jsonrpc": "2.0", "id": id, "error": error});
    let _ = output.send(answer.to_string().into_bytes()).await;
}
