//! A child for tests. Its arguments are what it does, one step after the other; see [`step`].
#![allow(
    clippy::zombie_processes,
    reason = "it leaves processes behind, which is what it is for"
)]

use std::io::{Read, Write};
use std::process::{Command, exit};
use std::time::Duration;

fn main() {
    let mut words: Words = std::env::args().skip(1).collect::<Vec<_>>().into_iter();
    while let Some(word) = words.next() {
        step(&word, &mut words);
    }
}

type Words = std::vec::IntoIter<String>;

fn step(word: &str, words: &mut Words) {
    let mut next = || words.next().expect("one more word after this step");
    let mut stdout = std::io::stdout();
    match word {
        "say" => write(&mut stdout, format!("{}\n", next()).as_bytes()),
        "cut" => write(&mut stdout, next().as_bytes()),
        "error" => write(&mut std::io::stderr(), next().as_bytes()),
        // Numbered lines, at full speed.
        "lines" => {
            let lines = (0..number(&next())).map(|index| format!("line {index}\n"));
            write(&mut stdout, lines.collect::<String>().as_bytes());
        }
        "long" => write(
            &mut stdout,
            &["x".repeat(number(&next())).as_bytes(), b"\n"].concat(),
        ),
        "binary" => {
            let bytes: Vec<u8> = (0..=255).filter(|byte| *byte != b'\n').collect();
            write(&mut stdout, &[&bytes[..], b"\n"].concat());
        }
        // Its pid under a name.
        "pid" => write(
            &mut stdout,
            format!("{} {}\n", next(), std::process::id()).as_bytes(),
        ),
        "variables" => {
            for (name, value) in std::env::vars() {
                write(&mut stdout, format!("{name}={value}\n").as_bytes());
            }
        }
        "directory" => {
            let directory = std::env::current_dir().expect("a directory");
            write(&mut stdout, format!("{}\n", directory.display()).as_bytes());
        }
        "echo" => {
            let mut input = Vec::new();
            std::io::stdin().read_to_end(&mut input).expect("its input");
            write(&mut stdout, &input);
        }
        "exit" => exit(i32::try_from(number(&next())).expect("an exit code")),
        // Until it is killed.
        "hang" => loop {
            std::thread::park();
        },
        // The other steps but for the first, which counts them, are done by a process that nobody waits for.
        "spawn" | "spawn-bare" => spawn(word == "spawn-bare", words),
        #[cfg(unix)]
        "setsid" => drop(rustix::process::setsid().expect("not the head of a group")),
        // Leaves the group that it heads.
        #[cfg(unix)]
        "join-parent-group" => {
            use rustix::process::{getpgid, getppid, setpgid};
            let group = getpgid(getppid()).expect("the group of the parent");
            setpgid(None, Some(group)).expect("another group");
        }
        #[cfg(unix)]
        "abort" => std::process::abort(),
        "flee" => flee(number(&next())),
        "multiply" => multiply(number(&next())),
        "write" => match std::fs::write(next(), "written") {
            Ok(()) => write(&mut stdout, b"written\n"),
            Err(error) => write(&mut stdout, format!("refused: {error}\n").as_bytes()),
        },
        #[cfg(unix)]
        "connect-unix" => match std::os::unix::net::UnixStream::connect(next()) {
            Ok(_) => write(&mut stdout, b"connected\n"),
            Err(error) => write(&mut stdout, format!("refused: {error}\n").as_bytes()),
        },
        "connect" => match std::net::TcpStream::connect(next()) {
            Ok(_) => write(&mut stdout, b"connected\n"),
            Err(error) => write(&mut stdout, format!("refused: {error}\n").as_bytes()),
        },
        "allocate" => {
            let bytes = vec![1_u8; number(&next())];
            write(
                &mut stdout,
                format!("allocated {}\n", bytes.len()).as_bytes(),
            );
        }
        _ => panic!("there is no step `{word}`"),
    }
}

/// Whoever reads may be gone; what is shown then is that this one is too.
fn write(to: &mut impl Write, bytes: &[u8]) {
    let _ = to.write_all(bytes).and_then(|()| to.flush());
}

fn number(word: &str) -> usize {
    word.parse().expect("a number")
}

fn again() -> Command {
    Command::new(std::env::current_exe().expect("the path of this program"))
}

fn spawn(is_bare: bool, words: &mut Words) {
    let count = number(&words.next().expect("how many words"));
    let steps: Vec<String> = words.take(count).collect();
    let mut command = again();
    if is_bare {
        command.env_clear();
    }
    command.args(steps).spawn().expect("a process");
}

/// Is never the same process for long: each starts the next one in a session of its own, and ends. After many it hangs.
#[cfg(unix)]
fn flee(times: usize) {
    let _ = rustix::process::setsid();
    if times > 0 {
        let next = (times - 1).to_string();
        again().args(["flee", &next]).spawn().expect("a process");
        return;
    }
    step("hang", &mut Vec::new().into_iter());
}

#[cfg(not(unix))]
fn flee(_times: usize) {}

/// Becomes many processes: each starts two that start two, and all of them stay, each in a session of its own.
fn multiply(generations: usize) {
    #[cfg(unix)]
    let _ = rustix::process::setsid();
    for _ in 0..2 {
        if generations > 0 {
            let next = (generations - 1).to_string();
            // A machine that is full may refuse, as it should.
            let _ = again().args(["multiply", &next]).spawn();
        }
    }
    std::thread::sleep(Duration::from_mins(10));
}
