/// One thing to do. Written as `[[name]]` or `[[name:argument]]` in a prompt or in the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Directive {
    /// `text:T`: the model says T.
    Text(String),
    /// `think:T`: the model thinks T.
    Think(String),
    /// `tool:NAME {..}`: the model calls a tool; `Write` writes a file and `Bash` runs a command, when it is permitted. With
    /// ` && ` between them it calls several at once.
    Tool(Vec<(String, String)>),
    /// `retract:PATH NAME {..}`: the model calls a tool, and asks no longer whether it may once there is such a file.
    Retract(String, (String, String)),
    /// `lines:N`: N messages, numbered from 1.
    Lines(u64),
    /// `flood:BYTES`: one message of so many bytes.
    Flood(usize),
    /// `partial:T`: T streams in, character by character, before it is said.
    Partial(String),
    /// `raw:T`: the line T.
    Raw(String),
    /// `part:T`: T without the end of its line.
    Part(String),
    /// `stderr:T`: T on stderr.
    Stderr(String),
    /// `fixture:NAME`: the recorded lines of a real run in the session's name, and then its exit code.
    Fixture(String),
    /// `retry:STATUS`: the API failed with this status and is asked again.
    Retry(u16),
    /// `fail:STATUS`: the API failed with this status for good.
    Fail(u16),
    /// `cost:USD`: the turn costs so much in all.
    Cost(String),
    /// `structured:{..}`: the answer of the form of the schema.
    Structured(String),
    /// `mcp:NAME=STATE`: what the init line says of a server; comes before anything is said.
    Mcp(String, String),
    /// `second`: another turn follows the result by itself. `second:DIRECTIVE` does that in it, while something in the
    /// background, of which the program tells, brings it.
    Second(Option<Box<Directive>>),
    /// `silent`: there is no result.
    Silent,
    /// `linger`: it does not end when its input does.
    Linger,
    /// `sleep:MS`: nothing, for a time.
    Sleep(u64),
    /// `hang`: nothing, until somebody ends it.
    Hang,
    /// `deaf`: from now on neither signals nor interrupts are heard.
    Deaf,
    /// `fork:N`: N children in the same group that live for long.
    Fork(u64),
    /// `daemon:N`: N children in sessions of their own, which do not hear signals.
    Daemon(u64),
    /// `wait:PATH`: nothing, until there is such a file.
    Wait(String),
    /// `mark:PATH`: makes an empty file.
    Mark(String),
    /// `exit:CODE`: the end, at once.
    Exit(u8),
    /// `die`: it kills itself.
    Die,
    /// `env:NAME`: the model says the value of a variable.
    Env(String),
    /// `where`: the model says the directory it works in.
    Where,
    /// `arguments`: the model says the command line as JSON.
    Arguments,
    /// `once:DIRECTIVE`: that, unless the session is resumed.
    Once(Box<Directive>),
    /// `forked:DIRECTIVE`: that, if the session begins as a copy of another one.
    Forked(Box<Directive>),
    /// `again:DIRECTIVE`: that, if the session is resumed.
    Again(Box<Directive>),
}

impl Directive {
    /// The directives in a text, in order. What is none of them is said by the model.
    pub(crate) fn all(text: &str) -> Vec<Self> {
        let mut found = Vec::new();
        let mut rest = text;
        while let Some((_, after)) = rest.split_once("[[") {
            let Some((inner, after)) = after.split_once("]]") else {
                break;
            };
            found.push(Self::read(inner));
            rest = after;
        }
        found
    }

    fn read(inner: &str) -> Self {
        let (name, argument) = inner.split_once(':').unwrap_or((inner, ""));
        let text = || argument.to_owned();
        match name.trim() {
            "think" => Self::Think(text()),
            "tool" => Self::Tool(argument.split(" && ").map(call).collect()),
            "retract" => {
                let (path, rest) = argument.split_once(' ').unwrap_or((argument, ""));
                Self::Retract(path.to_owned(), call(rest))
            }
            "lines" => Self::Lines(argument.parse().unwrap_or(1)),
            "flood" => Self::Flood(argument.parse().unwrap_or(1)),
            "partial" => Self::Partial(text()),
            "raw" => Self::Raw(text()),
            "part" => Self::Part(text()),
            "stderr" => Self::Stderr(text()),
            "fixture" => Self::Fixture(text()),
            "retry" => Self::Retry(argument.parse().unwrap_or(500)),
            "fail" => Self::Fail(argument.parse().unwrap_or(500)),
            "cost" => Self::Cost(text()),
            "structured" => Self::Structured(text()),
            "mcp" => {
                let (server, state) = argument.split_once('=').unwrap_or((argument, "failed"));
                Self::Mcp(server.to_owned(), state.to_owned())
            }
            "second" if argument.is_empty() => Self::Second(None),
            "second" => Self::Second(Some(Box::new(Self::read(argument)))),
            "silent" => Self::Silent,
            "linger" => Self::Linger,
            "sleep" => Self::Sleep(argument.parse().unwrap_or(1)),
            "hang" => Self::Hang,
            "deaf" => Self::Deaf,
            "fork" => Self::Fork(argument.parse().unwrap_or(1)),
            "daemon" => Self::Daemon(argument.parse().unwrap_or(1)),
            "wait" => Self::Wait(text()),
            "mark" => Self::Mark(text()),
            "exit" => Self::Exit(argument.parse().unwrap_or(1)),
            "die" => Self::Die,
            "env" => Self::Env(text()),
            "where" => Self::Where,
            "arguments" => Self::Arguments,
            "once" => Self::Once(Box::new(Self::read(argument))),
            "forked" => Self::Forked(Box::new(Self::read(argument))),
            "again" => Self::Again(Box::new(Self::read(argument))),
            "text" => Self::Text(text()),
            _ => Self::Text(inner.to_owned()),
        }
    }
}

/// A tool and its input.
fn call(text: &str) -> (String, String) {
    let (tool, input) = text.split_once(' ').unwrap_or((text, "{}"));
    (tool.to_owned(), input.to_owned())
}
