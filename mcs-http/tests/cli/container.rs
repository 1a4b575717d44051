//! The image, built by the Containerfile that ships and run as its first lines say.
//!
//! No registry is asked. The base of the build has a `cargo` that hands over the program that was built for the tests, and
//! the base of the result has the libraries that this program needs and nothing else.

use crate::program::{PATIENCE, has, skip};
use reqwest::Client;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcs");
const KEY: &str = "a-key-of-a-test-0123456789";
const CARGO: &str = "#!/bin/sh\nmkdir -p target/release\ncp /mcs target/release/mcs\n";

#[tokio::test]
async fn the_image_runs_read_only_and_its_volume_keeps_the_tasks() {
    let Some(podman) = Podman::find() else {
        return;
    };
    podman.build();
    let first = podman.run();
    let url = podman.url(&first);
    healthy(&url).await;
    let client = Client::new();
    let tasks = format!("{url}/api/v1/tasks");
    let task = json!({"prompt": "keep me", "dispatch": "manual"});
    let refused = client.post(&tasks).json(&task).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let created = client.post(&tasks).bearer_auth(KEY).json(&task);
    let created: Value = created.send().await.unwrap().json().await.unwrap();
    let id = created["id"].as_str().unwrap().to_owned();
    podman.said(&["stop", "--time", "20", &first]);
    let code = podman.said(&["inspect", "--format", "{{.State.ExitCode}}", &first]);
    assert_eq!(code.trim(), "0", "SIGTERM ends it well");

    let second = podman.run();
    let url = podman.url(&second);
    healthy(&url).await;
    let found = client.get(format!("{url}/api/v1/tasks/{id}"));
    let found = found.bearer_auth(KEY).send().await.unwrap();
    let found: Value = found.json().await.unwrap();
    assert_eq!(found["payload"]["prompt"], "keep me", "{found}");
}

async fn healthy(url: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match reqwest::get(format!("{url}/api/v2/health")).await {
            Ok(answer) if answer.status() == 200 => return,
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
        tokio::task::yield_now().await;
    }
}

/// What the test made with podman, which it takes away again.
struct Podman {
    home: TempDir,
    /// Tells its images, containers and volume from those of others.
    name: String,
}

impl Podman {
    fn find() -> Option<Self> {
        for (tool, package) in [("podman", "podman"), ("busybox", "busybox-static")] {
            if !has(tool) {
                skip(&format!("there is no `{tool}`; install {package}"));
                return None;
            }
        }
        let home = tempfile::tempdir().unwrap();
        // Of the runtimes, this one does with every sort of cgroups.
        let runtime = if has("runc") {
            "runtime = \"runc\"\n"
        } else {
            ""
        };
        let settings = format!(
            "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n{runtime}\
             [containers]\ndefault_ulimits = [\"nofile=1024:4096\", \"nproc=1024:4096\"]\n"
        );
        std::fs::write(home.path().join("containers.conf"), settings).unwrap();
        let name = format!("mcs-test-{}", std::process::id());
        let podman = Self { home, name };
        let info = podman.output(&["info"]);
        if !info.status.success() {
            let why = String::from_utf8_lossy(&info.stderr).into_owned();
            skip(&format!("podman does not work here: {why}"));
            return None;
        }
        Some(podman)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn image(&self, part: &str) -> String {
        format!("localhost/{}-{part}:1", self.name)
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("podman");
        command.env("CONTAINERS_CONF", self.path("containers.conf"));
        command.args(arguments).output().expect("podman starts")
    }

    fn said(&self, arguments: &[&str]) -> String {
        let done = self.output(arguments);
        let error = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "podman {arguments:?}: {error}");
        String::from_utf8(done.stdout).unwrap()
    }

    /// Builds the image with bases that are made of this machine's files.
    fn build(&self) {
        let build = self.path("build");
        copy(&which("busybox"), &build.join("bin/busybox"));
        for name in ["sh", "cp", "mkdir"] {
            std::os::unix::fs::symlink("busybox", build.join("bin").join(name)).unwrap();
        }
        copy(Path::new(PROGRAM), &build.join("mcs"));
        std::fs::write(build.join("bin/cargo"), CARGO).unwrap();
        executable(&build.join("bin/cargo"));
        let runtime = self.path("runtime");
        for library in libraries() {
            copy(&library, &runtime.join(library.strip_prefix("/").unwrap()));
        }
        for (part, root) in [("build", &build), ("runtime", &runtime)] {
            let file = root.join("Containerfile");
            std::fs::write(&file, "FROM scratch\nCOPY . /\n").unwrap();
            let root = root.to_str().unwrap();
            self.said(&["build", "--quiet", "--tag", &self.image(part), root]);
        }
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/Containerfile");
        let sources = self.path("sources");
        std::fs::create_dir(&sources).unwrap();
        let build = format!("BUILD_IMAGE={}", self.image("build"));
        let runtime = format!("RUNTIME_IMAGE={}", self.image("runtime"));
        let arguments = [
            "build",
            "--quiet",
            "--pull=never",
            "--file",
            file,
            "--build-arg",
            &build,
            "--build-arg",
            &runtime,
            "--tag",
            &self.image("mcs"),
            sources.to_str().unwrap(),
        ];
        self.said(&arguments);
    }

    /// Starts a container that may write to its volume and nowhere else, and returns its id.
    fn run(&self) -> String {
        let volume = format!("{}:/data", self.name);
        let key = format!("MCS_HTTP_ADMIN_KEY={KEY}");
        let arguments = [
            "run",
            "--detach",
            "--read-only",
            "--cap-drop=all",
            "--security-opt=no-new-privileges",
            "--volume",
            &volume,
            "--publish=127.0.0.1::8080",
            "--env",
            &key,
            "--label",
            &self.name,
            &self.image("mcs"),
        ];
        self.said(&arguments).trim().to_owned()
    }

    fn url(&self, container: &str) -> String {
        let address = self.said(&["port", container, "8080"]);
        format!("http://{}", address.trim())
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // Some of it may not have been made.
        let label = format!("label={}", self.name);
        let containers = self.output(&["ps", "--all", "--quiet", "--filter", &label]);
        for container in String::from_utf8_lossy(&containers.stdout).lines() {
            if std::thread::panicking() {
                let log = self.output(&["logs", container]);
                eprintln!("{}", String::from_utf8_lossy(&log.stderr));
            }
            self.output(&["rm", "--force", container]);
        }
        self.output(&["volume", "rm", "--force", &self.name]);
        for part in ["mcs", "build", "runtime"] {
            self.output(&["rmi", "--force", &self.image(part)]);
        }
    }
}

/// The libraries that the program is linked with, and what loads them.
fn libraries() -> Vec<PathBuf> {
    let linked = Command::new("ldd").arg(PROGRAM).output().unwrap();
    let linked = String::from_utf8(linked.stdout).unwrap();
    let words = linked.split_whitespace();
    words
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect()
}

fn which(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut all = std::env::split_paths(&path).map(|directory| directory.join(program));
    all.find(|file| file.exists()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(from, to).unwrap();
    executable(to);
}

fn executable(file: &Path) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}
