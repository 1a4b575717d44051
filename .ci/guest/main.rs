//! A program with a database of its own, as sqlx opens it, and a reporter beside it: both speak to one SQLite.

use mcs_reporter::{Reporter, Request, Response, Transport, TransportError};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A coordinator that cannot be reached.
#[derive(Debug)]
struct Nowhere;

#[async_trait::async_trait]
impl Transport for Nowhere {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        Err(TransportError::Connect("there is none".to_owned()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name an empty folder")?);
    let own = SqliteConnectOptions::new().filename(folder.join("own.db")).create_if_missing(true);
    let pool = SqlitePool::connect_with(own).await?;
    sqlx::query("CREATE TABLE note (text TEXT)").execute(&pool).await?;

    let cache = folder.join("cache.db");
    let reporter = Reporter::builder()
        .coordinator_url("http://127.0.0.1:1")
        .api_key("key")
        .mcp_id("guest")
        .local_cache_path(&cache)
        .transport(Arc::new(Nowhere))
        .build()?;
    for text in ["a", "b", "c"] {
        let call = reporter.start(BTreeMap::from([("request_type", text)]));
        sqlx::query("INSERT INTO note VALUES (?)").bind(text).execute(&pool).await?;
        let _ = call.complete(BTreeMap::from([("success", true)]));
    }
    let left = reporter.shutdown(Duration::from_secs(10)).await?;
    let notes: i64 = sqlx::query_scalar("SELECT count(*) FROM note").fetch_one(&pool).await?;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&pool).await?;
    pool.close().await;
    assert_eq!((notes, left.on_disk, left.delivered), (3, 6, 0));
    assert!(cache.is_file());
    println!("a pool and a reporter on SQLite {version}: {notes} notes, {} events wait", left.on_disk);
    Ok(())
}
