use crate::access::{Caller, Full, Place, Share};
use crate::app::App;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use mcs_core::schema::shortened;
use serde::Deserialize;
use std::time::Duration;
use tokio::time::timeout;

/// A body that is said to be JSON, and was read as a whole.
#[derive(Debug)]
pub(crate) struct JsonBody {
    bytes: Vec<u8>,
    /// Its place in the memory that bodies may have.
    place: Place,
}

/// Largest body of somebody who is not known: a token and what stands around it. It needs no place among the others, which
/// nobody could then keep out without a key.
const OF_STRANGERS: usize = 4 * 1024;
/// Longest time that a client may take to send a body.
const SEND: Duration = Duration::from_secs(20);
/// Longest time that a part of a body waits for memory. Bodies wait for it while they hold some, so those that wait for
/// each other have to give up, and soon.
const WAIT: Duration = Duration::from_secs(2);

impl JsonBody {
    /// The body as a `T`, which may keep parts of it.
    pub(crate) fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Problem> {
        serde_json::from_slice(&self.bytes).map_err(|error| unreadable(&error))
    }

    /// The bytes, and the place that they have.
    #[cfg(feature = "mcp")]
    pub(crate) fn into_parts(self) -> (Vec<u8>, Place) {
        (self.bytes, self.place)
    }

    /// Lets the bytes go and keeps their place, which now stands for what was made of them.
    pub(crate) fn into_place(self) -> Place {
        self.place
    }
}

/// What is wrong with a body that is not what was asked for.
fn unreadable(error: &serde_json::Error) -> Problem {
    let what = if error.is_data() {
        "is not what this route takes"
    } else {
        "is not JSON"
    };
    Problem::malformed(format!("the body {what}: {error}"))
}

impl FromRequest<App> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        Self::receive(&parts, body, app).await
    }
}

impl JsonBody {
    /// The body of the request with these parts.
    pub(crate) async fn receive(parts: &Parts, body: Body, app: &App) -> Result<Self, Problem> {
        check_type(&parts.headers)?;
        let known = parts.extensions.get::<Caller>();
        let share = known.map(|caller| app.body_memory.of(caller));
        let limit = match &share {
            Some(_) => app.options.max_body_bytes,
            None => app.options.max_body_bytes.min(OF_STRANGERS),
        };
        let announced = announced(&parts.headers);
        if let Some(length) = announced.filter(|length| *length > limit) {
            return Err(too_large(&format!("has {length} bytes"), limit));
        }
        let reading = Self::read(body, limit, share.as_ref());
        timeout(SEND, reading).await.unwrap_or_else(|_| {
            Err(Problem::too_slow(format!(
                "the body took longer than {} s to arrive",
                SEND.as_secs()
            )))
        })
    }

    /// Reads to the end. What has arrived has a place in the share of the caller, and what is only announced has none: otherwise clients
    /// that announce much and send nothing would keep everybody else out.
    async fn read(body: Body, limit: usize, share: Option<&Share>) -> Result<Self, Problem> {
        let mut body = Limited::new(body, limit);
        let mut bytes = Vec::new();
        let mut place = Place::default();
        while let Some(frame) = body.frame().await {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) if error.is::<LengthLimitError>() => {
                    return Err(too_large("is larger", limit));
                }
                Err(error) => {
                    return Err(Problem::malformed(format!("the body broke off: {error}")));
                }
            };
            if let Some(part) = frame.data_ref() {
                if let Some(share) = share {
                    place.merge(reserve(share, part.len()).await?);
                }
                bytes.extend_from_slice(part);
            }
        }
        Ok(Self { bytes, place })
    }
}

/// A place for so many bytes more.
async fn reserve(share: &Share, bytes: usize) -> Result<Place, Problem> {
    share.take(bytes, WAIT).await.map_err(|full| match full {
        Full::All => Problem::unavailable(
            "the server is reading as much as it can; nothing was stored",
            1,
        ),
        Full::Own => Problem::too_many(
            "the server is reading as much as it does for one caller; nothing was stored, so send less at a time",
            1,
        ),
    })
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(coding) = text(CONTENT_ENCODING).filter(|coding| *coding != "identity") {
        return Err(Problem::media_type(format!(
            "the body is encoded as `{}`; send it as it is",
            shortened(coding)
        )));
    }
    let Some(full) = text(CONTENT_TYPE) else {
        return Err(Problem::media_type(
            "the body has no Content-Type; send application/json",
        ));
    };
    let essence = full.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    let json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    if json {
        return Ok(());
    }
    Err(Problem::media_type(format!(
        "the body is of the type `{}`; send application/json",
        shortened(full)
    )))
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(what: &str, limit: usize) -> Problem {
    Problem::too_large(format!(
        "the body {what}; at most {limit} bytes are taken, so send less at a time"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Shares;
    use mcs_core::domain::interaction::BATCH_BYTES;
    use mcs_core::service::Principal;

    fn body(bytes: usize) -> Body {
        Body::from(vec![b' '; bytes])
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_have_a_place_for_what_arrived_and_give_it_back() {
        let shares = Shares::new(100, 50);
        let local = Caller::at_open_door(Principal::local());
        let share = shares.of(&local);
        let read = JsonBody::read(body(60), BATCH_BYTES, Some(&share))
            .await
            .unwrap();
        assert_eq!((read.bytes.len(), shares.taken()), (60, 60));
        let silent = Body::from_stream(futures_util::stream::pending::<std::io::Result<Vec<u8>>>());
        let silent = JsonBody::read(silent, BATCH_BYTES, Some(&share));
        assert!(timeout(SEND, silent).await.is_err(), "nothing comes");
        assert_eq!(shares.taken(), 60, "and nothing is held");
        let refused = JsonBody::read(body(41), BATCH_BYTES, Some(&share)).await;
        assert!(refused.unwrap_err().detail().contains("as much as it can"));
        drop(read);
        assert_eq!(shares.taken(), 0);
    }
}
