//! Messages gathered into calls that the API takes: at most 10,000 messages and 8 MiB, of one form.

use std::time::Duration;

use bytes::Bytes;
use tokio::{sync::mpsc, time};

use crate::cli::input::Form;

/// What the API takes in a call, with room for brackets and commas.
const BATCH_LEN_MAX: usize = 10_000;
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024 - 2;
/// How long a call waits for one more message; a slow source is not held up longer.
const LINGER: Duration = Duration::from_millis(5);

/// The messages of one call.
#[derive(Debug)]
pub(super) struct Batch {
    form: Form,
    messages: Vec<Vec<u8>>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn messages(&self) -> &[Vec<u8>] {
        &self.messages
    }

    /// With a separator after each.
    pub(super) fn len_bytes(&self) -> usize {
        self.messages.iter().map(|message| message.len() + 1).sum()
    }

    /// Drops the first ones, which were taken.
    pub(super) fn forget(&mut self, taken: usize) {
        self.messages.drain(..taken.min(self.messages.len()));
    }

    pub(super) fn content_type(&self) -> &'static str {
        match self.form {
            Form::Values => "application/json",
            Form::Lines => "application/x-ndjson",
        }
    }

    pub(super) fn body(&self) -> Bytes {
        let mut body = Vec::with_capacity(self.len_bytes() + 2);
        match self.form {
            Form::Values => {
                body.push(b'[');
                body.extend_from_slice(&self.messages.join(&b','));
                body.push(b']');
            }
            Form::Lines => body.extend_from_slice(&self.messages.join(&b'\n')),
        }
        body.into()
    }
}

/// Cuts a stream of messages into batches.
#[derive(Debug)]
pub(super) struct Batches {
    messages: mpsc::Receiver<(Form, Vec<u8>)>,
    /// Read already, and too much for the batch before.
    held: Option<(Form, Vec<u8>)>,
}

impl Batches {
    pub(super) fn new(messages: mpsc::Receiver<(Form, Vec<u8>)>) -> Self {
        Self { messages, held: None }
    }

    /// The next batch, as large as it gets without waiting long; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Batch> {
        let (form, first) = match self.held.take() {
            Some(held) => held,
            None => self.messages.recv().await?,
        };
        let mut bytes = first.len() + 1;
        let mut messages = vec![first];
        while messages.len() < BATCH_LEN_MAX {
            let Ok(Some(next)) = time::timeout(LINGER, self.messages.recv()).await else { break };
            bytes += next.1.len() + 1;
            if bytes > BATCH_BYTES_MAX || next.0 != form {
                self.held = Some(next);
                break;
            }
            messages.push(next.1);
        }
        Some(Batch { form, messages })
    }
}

#[cfg(test)]
mod tests {
    //! What goes into one call.

    use super::*;

    async fn batches(messages: Vec<Vec<u8>>) -> Vec<Batch> {
        let (sender, receiver) = mpsc::channel(messages.len());
        for message in messages {
            sender.try_send((Form::Lines, message)).unwrap();
        }
        drop(sender);
        let mut batches = Batches::new(receiver);
        let mut all = Vec::new();
        while let Some(batch) = batches.next().await {
            all.push(batch);
        }
        all
    }

    #[tokio::test]
    async fn a_call_holds_ten_thousand_messages_at_most() {
        let all = batches(vec![b"{}".to_vec(); 10_001]).await;
        assert_eq!(all.iter().map(|batch| batch.messages.len()).collect::<Vec<_>>(), [10_000, 1]);
    }

    #[tokio::test]
    async fn a_call_holds_eight_mebibytes_at_most() {
        let all = batches(vec![vec![b'x'; 1024 * 1024]; 9]).await;
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|batch| batch.body().len() <= 8 * 1024 * 1024));
    }

    #[test]
    fn values_are_sent_as_an_array_that_keeps_their_bytes() {
        let messages = vec![b"{\n}".to_vec(), b"{ }".to_vec()];
        assert_eq!(Batch { form: Form::Values, messages }.body(), "[{\n},{ }]");
    }
}
