use crate::flags::Flags;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one answer of the model costs, and its tokens.
const ANSWER_USD: f64 = 0.00194;
const ANSWER: [(&str, u64); 4] = [
    ("inputTokens", 100),
    ("cacheCreationInputTokens", 20),
    ("cacheReadInputTokens", 3000),
    ("outputTokens", 42),
];

/// A session and what it cost. Shared with what hears signals.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: Arc<str>,
    pub(crate) model: Arc<str>,
    pub(crate) is_resumed: bool,
    file: Arc<PathBuf>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// What earlier processes left behind.
    before: Spent,
    /// What this process used.
    here: Spent,
    /// What of it the last result told.
    told: Spent,
    results: u64,
    /// The shell that runs.
    shell: Option<u32>,
    is_deaf: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    cost: f64,
    answers: u64,
}

/// Why a session cannot be opened.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The line on stdout, where there is one.
    pub(crate) line: Option<Value>,
    /// The message on stderr.
    pub(crate) message: String,
}

impl Session {
    pub(crate) fn open(flags: &Flags) -> Result<Self, Refusal> {
        let directory = std::env::var_os("CLAUDE_STAND_IN_STATE").map_or_else(
            || std::env::temp_dir().join("claude-stand-in"),
            PathBuf::from,
        );
        let file = |id: &str| directory.join(format!("{id}.json"));
        let new = flags.session_id.clone().unwrap_or_else(crate::lines::id);
        let (id, before) = match &flags.resume {
            Some(old) => {
                let known = std::fs::read_to_string(file(old)).ok();
                let known = known.and_then(|text| serde_json::from_str(&text).ok());
                let known: Value = known.ok_or_else(|| unknown(old))?;
                let before = Spent {
                    cost: known["cost"].as_f64().unwrap_or_default(),
                    answers: known["answers"].as_u64().unwrap_or_default(),
                };
                (if flags.forks { new } else { old.clone() }, before)
            }
            None if file(&new).exists() => {
                let message = format!("Error: Session ID {new} is already in use.");
                return Err(Refusal {
                    line: None,
                    message,
                });
            }
            None => (new, Spent::default()),
        };
        let session = Self {
            file: Arc::new(file(&id)),
            id: id.into(),
            model: flags.model.as_deref().unwrap_or("claude-opus-5-5").into(),
            is_resumed: flags.resume.is_some(),
            state: Arc::new(Mutex::new(State {
                before,
                ..State::default()
            })),
        };
        // A session that begins with what another one has keeps that once it keeps anything, and not before.
        let own = if flags.forks {
            Spent::default()
        } else {
            before
        };
        let kept = std::fs::create_dir_all(&directory).and_then(|()| session.keep(own));
        kept.map_err(|error| Refusal {
            line: None,
            message: format!("Error: {}: {error}", directory.display()),
        })?;
        Ok(session)
    }

    /// The model answered.
    pub(crate) fn answered(&self) {
        let mut state = self.state();
        state.here.cost += ANSWER_USD;
        state.here.answers += 1;
    }

    /// What this process used is to be so much.
    pub(crate) fn set_cost(&self, cost: f64) {
        let mut state = self.state();
        state.here.cost = state.told.cost + cost;
    }

    /// What this process cost.
    pub(crate) fn cost_here(&self) -> f64 {
        self.state().here.cost
    }

    /// The figures of a result line, which are kept from then on.
    pub(crate) fn tell(&self) -> Value {
        let mut state = self.state();
        let since = Spent {
            cost: state.here.cost - state.told.cost,
            answers: state.here.answers - state.told.answers,
        };
        state.told = state.here;
        let total = state.total();
        let index = state.results;
        state.results += 1;
        drop(state);
        self.save();
        json!({
            "total_cost_usd": total.cost,
            "modelUsage": self.by_model(total),
            "model_usage_since_last_result": self.by_model(since),
            "result_index": index,
        })
    }

    /// Keeps what it cost for a process that resumes the session.
    pub(crate) fn save(&self) {
        let total = self.state().total();
        let _ = self.keep(total);
    }

    pub(crate) fn set_shell(&self, pid: Option<u32>) {
        self.state().shell = pid;
    }

    pub(crate) fn kill_shell(&self) {
        let shell = self.state().shell.take();
        if let Some(pid) = shell {
            crate::grandchild::kill(pid);
        }
    }

    pub(crate) fn become_deaf(&self) {
        self.state().is_deaf = true;
    }

    pub(crate) fn is_deaf(&self) -> bool {
        self.state().is_deaf
    }

    fn by_model(&self, spent: Spent) -> Value {
        if spent.answers == 0 && spent.cost == 0.0 {
            return json!({});
        }
        let mut usage = json!({"costUSD": spent.cost});
        for (name, tokens) in ANSWER {
            usage[name] = json!(tokens * spent.answers);
        }
        json!({ &*self.model: usage })
    }

    fn keep(&self, spent: Spent) -> std::io::Result<()> {
        let state = json!({"cost": spent.cost, "answers": spent.answers});
        std::fs::write(&*self.file, state.to_string())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn total(&self) -> Spent {
        Spent {
            cost: self.before.cost + self.here.cost,
            answers: self.before.answers + self.here.answers,
        }
    }
}

fn unknown(id: &str) -> Refusal {
    let message = format!("No conversation found with session ID: {id}");
    let line = json!({
        "type": "result", "subtype": "error_during_execution", "duration_ms": 0, "duration_api_ms": 0, "is_error": true,
        "num_turns": 0, "stop_reason": null, "session_id": id, "total_cost_usd": 0, "modelUsage": {},
        "permission_denials": [], "uuid": crate::lines::id(), "errors": [message], "result_index": 0,
    });
    Refusal {
        line: Some(line),
        message,
    }
}
