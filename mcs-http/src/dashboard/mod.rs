//! The web page at `/`: plain files in `assets/`, which are in the program, and which use the public API alone.
//!
//! A page names its files below a path that changes with them, `/assets/<version>/`. So they can be kept by browsers for
//! good, a page never mixes the files of two versions, and one that was opened before an upgrade notices: the path that it
//! knows is gone.

mod answer;
mod files;

use crate::app::App;
use answer::{asset, page};
use axum::Router;
use axum::routing::get;

/// The pages and their files. They hold no data, so that everybody may read them.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/",
            get(async |nested, headers| page("index.html", nested, &headers)),
        )
        .route(
            "/docs",
            get(async |nested, headers| page("docs.html", nested, &headers)),
        )
        .route("/assets/{*path}", get(asset))
}
