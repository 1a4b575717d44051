use super::message::Message;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the client has asked of its session for as long as there is one: what it watches, and what it is told of the log. The
/// session that takes the place of a lost one is asked for it again.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<Orders>);

#[derive(Debug, Default)]
struct Orders {
    /// The request that said how much of the log is told.
    level: Option<Vec<u8>>,
    /// The requests that watch something, by its address.
    watched: BTreeMap<String, Vec<u8>>,
}

/// A request that is made again.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) body: Vec<u8>,
    /// What it watches.
    pub(super) uri: Option<String>,
}

/// As many resources as a session of the service watches.
const MOST: usize = 100;

impl Standing {
    /// Takes note of a request that the service has granted.
    pub(super) fn note(&self, message: &Message) {
        let mut orders = self.orders();
        match message.method() {
            Some(("logging/setLevel", _)) => orders.level = Some(message.body.clone()),
            Some(("resources/subscribe", Some(uri)))
                if orders.watched.len() < MOST || orders.watched.contains_key(uri) =>
            {
                orders.watched.insert(uri.to_owned(), message.body.clone());
            }
            Some(("resources/unsubscribe", Some(uri))) => {
                orders.watched.remove(uri);
            }
            _ => {}
        }
    }

    /// What is refused now is not asked for again.
    pub(super) fn forget(&self, uri: &str) {
        self.orders().watched.remove(uri);
    }

    /// All that is asked for again.
    pub(super) fn all(&self) -> Vec<Order> {
        let orders = self.orders();
        let level = orders.level.iter().map(|body| Order {
            body: body.clone(),
            uri: None,
        });
        let watched = orders.watched.iter().map(|(uri, body)| Order {
            body: body.clone(),
            uri: Some(uri.clone()),
        });
        level.chain(watched).collect()
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn note(standing: &Standing, method: &str, params: &Value) {
        let text = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        standing.note(&Message::parse(text.to_string().into_bytes()).unwrap());
    }

    fn watched(standing: &Standing) -> Vec<String> {
        let all = standing.all().into_iter();
        all.filter_map(|order| order.uri).collect()
    }

    #[test]
    fn what_is_watched_and_the_last_level_are_kept() {
        let standing = Standing::default();
        for uri in ["task://1", "task://2", "task://1", "task://3"] {
            note(&standing, "resources/subscribe", &json!({"uri": uri}));
        }
        note(
            &standing,
            "resources/unsubscribe",
            &json!({"uri": "task://2"}),
        );
        standing.forget("task://3");
        for level in ["debug", "error"] {
            note(&standing, "logging/setLevel", &json!({"level": level}));
        }
        note(&standing, "resources/read", &json!({"uri": "task://4"}));
        assert_eq!(watched(&standing), ["task://1"]);
        let level = String::from_utf8(standing.all()[0].body.clone()).unwrap();
        assert!(level.contains("error"), "{level}");
    }

    #[test]
    fn no_more_is_kept_than_a_session_watches() {
        let standing = Standing::default();
        for number in 0..MOST + 5 {
            note(
                &standing,
                "resources/subscribe",
                &json!({"uri": format!("task://{number}")}),
            );
        }
        assert_eq!(watched(&standing).len(), MOST);
    }
}
