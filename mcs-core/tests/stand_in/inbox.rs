use crate::lines;
use crate::session::Session;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::BufRead as _;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// What comes from outside.
#[derive(Debug)]
pub(crate) enum Input {
    /// Something to do.
    Prompt(String),
    /// The host wants what runs to end.
    Interrupt(String),
    /// SIGINT.
    Signal,
    /// The host answers a request.
    Answer { request_id: String, response: Value },
    /// There is no more input.
    End,
}

/// Why a wait was given up.
#[derive(Debug)]
pub(crate) enum Stop {
    Interrupt(String),
    Signal,
}

/// Where all that comes from outside arrives.
#[derive(Debug)]
pub(crate) struct Inbox {
    inputs: mpsc::Receiver<Input>,
    prompts: VecDeque<String>,
    answers: Vec<(String, Value)>,
    has_ended: bool,
    session: Session,
}

impl Inbox {
    /// Hears signals from now on, and reads stdin if it is a stream of messages.
    pub(crate) fn open(reads_stdin: bool, session: Session) -> Self {
        let (sender, inputs) = mpsc::channel(64);
        hear(&session, sender.clone());
        if reads_stdin {
            std::thread::spawn(move || read(&sender));
        }
        Self {
            inputs,
            prompts: VecDeque::new(),
            answers: Vec::new(),
            has_ended: !reads_stdin,
            session,
        }
    }

    /// The next thing to deal with between turns.
    pub(crate) async fn next(&mut self) -> Input {
        if let Some(prompt) = self.prompts.pop_front() {
            return Input::Prompt(prompt);
        }
        if self.has_ended {
            return Input::End;
        }
        match self.inputs.recv().await {
            Some(Input::End) | None => {
                self.has_ended = true;
                Input::End
            }
            Some(input) => input,
        }
    }

    /// Whether somebody wants what runs to end.
    pub(crate) fn check(&mut self) -> Result<(), Stop> {
        while let Ok(input) = self.inputs.try_recv() {
            self.take(input)?;
        }
        Ok(())
    }

    /// Lets time pass.
    pub(crate) async fn pause(&mut self, time: Duration) -> Result<(), Stop> {
        let until = tokio::time::Instant::now() + time;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return Ok(()),
                Some(input) = self.inputs.recv() => { self.take(input)?; }
            }
        }
    }

    /// The host's next answer to one of these requests, and which it is; `None` once there can be none.
    pub(crate) async fn answer(
        &mut self,
        request_ids: &[&str],
    ) -> Result<Option<(String, Value)>, Stop> {
        loop {
            let known = |(id, _): &(String, Value)| request_ids.contains(&&**id);
            if let Some(place) = self.answers.iter().position(known) {
                return Ok(Some(self.answers.remove(place)));
            }
            if self.has_ended {
                return Ok(None);
            }
            match self.inputs.recv().await {
                Some(input) => self.take(input)?,
                None => return Ok(None),
            }
        }
    }

    fn take(&mut self, input: Input) -> Result<(), Stop> {
        match input {
            Input::Prompt(prompt) => self.prompts.push_back(prompt),
            Input::End => self.has_ended = true,
            Input::Interrupt(_) | Input::Signal if self.session.is_deaf() => {}
            Input::Interrupt(id) => return Err(Stop::Interrupt(id)),
            Input::Signal => return Err(Stop::Signal),
            Input::Answer {
                request_id,
                response,
            } => self.answers.push((request_id, response)),
        }
        Ok(())
    }
}

fn hear(session: &Session, sender: mpsc::Sender<Input>) {
    let (mut terminate, deaf) = (
        signal(SignalKind::terminate()).expect("a handler"),
        session.clone(),
    );
    tokio::spawn(async move {
        while terminate.recv().await.is_some() {
            if !deaf.is_deaf() {
                // The real program ends what its shell runs, and keeps what the session cost.
                deaf.kill_shell();
                deaf.save();
                std::process::exit(143);
            }
        }
    });
    let mut interrupt = signal(SignalKind::interrupt()).expect("a handler");
    tokio::spawn(async move {
        while interrupt.recv().await.is_some() {
            let _ = sender.send(Input::Signal).await;
        }
    });
}

fn read(sender: &mpsc::Sender<Input>) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        if line.trim().is_empty() {
            continue;
        }
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            eprintln!("Error parsing streaming input line: {line}");
            std::process::exit(1);
        };
        if let Some(input) = understand(&message)
            && sender.blocking_send(input).is_err()
        {
            return;
        }
    }
    let _ = sender.blocking_send(Input::End);
}

fn understand(message: &Value) -> Option<Input> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match message["type"].as_str()? {
        "user" => {
            let content = &message["message"]["content"];
            let blocks = content.as_array().into_iter().flatten();
            let texts = blocks.filter_map(|block| block["text"].as_str());
            let all = texts.collect::<Vec<_>>().join("\n");
            Some(Input::Prompt(if all.is_empty() {
                text(content)
            } else {
                all
            }))
        }
        "control_response" => Some(Input::Answer {
            request_id: text(&message["response"]["request_id"]),
            response: message["response"]["response"].clone(),
        }),
        "control_request" => {
            let id = text(&message["request_id"]);
            let answer = match message["request"]["subtype"].as_str().unwrap_or_default() {
                "interrupt" => return Some(Input::Interrupt(id)),
                "initialize" => json!({"commands": [], "models": [], "pid": std::process::id()}),
                "set_permission_mode" => json!({"mode": message["request"]["mode"]}),
                _ => json!({}),
            };
            lines::write(&lines::control_response(&id, &answer));
            None
        }
        _ => None,
    }
}
