//! Asking a provider, and reading all that it says.

use crate::server::KEY;
use futures_util::StreamExt;
use mcs_core::provider::{Completion, CompletionRequest, Delta, Provider, ProviderError};

/// A short question.
pub(crate) fn asks() -> CompletionRequest {
    CompletionRequest {
        prompt: "hello".into(),
        ..CompletionRequest::default()
    }
}

/// The texts that were streamed, thoughts in angle brackets, and how the stream ended.
pub(crate) async fn read(provider: &dyn Provider) -> (String, Result<Completion, ProviderError>) {
    let mut deltas = match provider.stream(&asks()).await {
        Ok(deltas) => deltas,
        Err(error) => return (String::new(), Err(error)),
    };
    let (mut texts, mut end) = (String::new(), None);
    while let Some(delta) = deltas.next().await {
        assert!(end.is_none(), "something came after the end: {delta:?}");
        match delta {
            Ok(Delta::Text(text)) => texts.push_str(&text),
            Ok(Delta::Reasoning(text)) => texts.extend(["<", &text, ">"]),
            Ok(Delta::End(completion)) => end = Some(Ok(*completion)),
            Err(error) => end = Some(Err(error)),
        }
    }
    (texts, end.unwrap())
}

/// The error of a whole and of a streamed call, which are the same and show no key.
pub(crate) async fn refused(provider: &dyn Provider) -> ProviderError {
    let streamed = provider.stream(&asks()).await.err().unwrap();
    let error = provider.complete(&asks()).await.unwrap_err();
    assert_eq!(error.to_string(), streamed.to_string());
    assert_eq!(error.class(), streamed.class());
    for error in [&error, &streamed] {
        assert!(!format!("{error} {error:?}").contains(KEY), "{error:?}");
    }
    error
}

/// A row of an error table: the answer that it gives, and what has to follow.
pub(crate) struct Row<'a> {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    pub(crate) body: &'a str,
    class: &'a str,
    after: Option<u128>,
    says: &'a str,
    text: &'a str,
}

impl<'a> Row<'a> {
    /// Reads `status | headers | body | class | wait in milliseconds | what the message has to say`.
    pub(crate) fn read(text: &'a str) -> Self {
        let cells: Vec<&str> = text.split('|').map(str::trim).collect();
        let [status, headers, body, class, after, says] = cells[..] else {
            panic!("{text} is no row");
        };
        let headers = headers
            .split("; ")
            .filter_map(|header| header.split_once(": "));
        Self {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body,
            class,
            after: after.parse().ok(),
            says,
            text,
        }
    }

    /// Holds the error to it.
    pub(crate) fn check(&self, error: &ProviderError) {
        let row = self.text;
        assert_eq!(error.class().as_str(), self.class, "{row}: {error}");
        let after = error.retry_after().map(|after| after.as_millis());
        assert_eq!(after, self.after, "{row}: {error}");
        assert_eq!(error.status(), Some(self.status), "{row}: {error}");
        assert_eq!(error.request_id(), Some("req-9"), "{row}: {error}");
        assert!(error.to_string().contains(" answered "), "{row}: {error}");
        assert!(error.to_string().contains(self.says), "{row}: {error}");
    }
}
