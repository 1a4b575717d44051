//! Where programs may work, whatever a caller writes.

use crate::kit::Server;
use mcs_core::config::{CommandConfig, Config, Database, DirectoriesConfig};
use mcs_http::Options;
use serde_json::json;
use std::fs;

#[tokio::test]
async fn a_command_works_within_the_allowed_directories() {
    let directory = tempfile::tempdir().unwrap();
    let home = fs::canonicalize(directory.path()).unwrap();
    for name in ["allowed/inner", "secret", "runs"] {
        fs::create_dir_all(home.join(name)).unwrap();
    }
    std::os::unix::fs::symlink(home.join("secret"), home.join("allowed/link")).unwrap();
    let config = Config {
        database: Database::Memory,
        directories: DirectoriesConfig {
            allowed: Some(vec![home.join("allowed")]),
            runs: Some(home.join("runs")),
            ..DirectoriesConfig::default()
        },
        command: CommandConfig {
            enabled: true,
            ..CommandConfig::default()
        },
        ..Config::default()
    };
    let service = mcs_core::open(&config).await.unwrap();
    let server = Server::of(service, Options::default()).await;
    let home = home.display();
    let create = async |place: &str| {
        let task =
            json!({"kind": "command", "payload": {"program": "true"}, "work_directory": place});
        server.post("/api/v1/tasks", &task).await
    };
    for place in [
        format!("{home}/secret"),
        format!("{home}/allowed/../secret"),
        format!("{home}/allowed/inner/../../secret"),
        format!("{home}/allowed/link"),
        format!("{home}/allowed/link/."),
        format!("{home}/allowed/inner/..%2f..%2fsecret"),
        format!("{home}/allowed/none"),
        format!("{home}/allowed\0/inner"),
        "/".to_owned(),
        "/etc".to_owned(),
        "/proc/self/root".to_owned(),
        "secret".to_owned(),
        String::new(),
    ] {
        let (status, body) = create(&place).await;
        assert_eq!(status, 422, "{place}: {body}");
        assert_eq!(body["field"], "work_directory", "{place}: {body}");
    }
    let (status, body) = create(&format!("{home}/allowed/link/../allowed/inner")).await;
    assert_eq!(status, 201, "a way back in is a way in: {body}");
    let (status, body) = create(&format!("{home}/allowed/inner")).await;
    assert_eq!(status, 201, "{body}");
    server
        .service
        .shutdown(std::time::Duration::from_secs(5))
        .await
        .unwrap();
}
