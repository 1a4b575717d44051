//! What a browser has to say about the pages it showed.

use serde_json::Value;

/// The lines of a console, a broken policy of content among them.
#[derive(Debug)]
pub(crate) struct Console(pub(crate) Value);

impl Console {
    /// Fails where something was wrong. Requests that were refused or found nobody are no fault of a page.
    pub(crate) fn assert_quiet(&self) {
        let lines = self.0.as_array().unwrap();
        let loud = lines.iter().filter(|line| {
            let is_loud = ["SEVERE", "WARNING"].contains(&line["level"].as_str().unwrap());
            is_loud && line["source"] != "network"
        });
        let loud: Vec<_> = loud.collect();
        assert!(loud.is_empty(), "the console says {loud:#?}");
    }
}
