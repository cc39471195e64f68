//! The body of an event stream: what its session has to say, for as long as the client listens.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame};

use crate::{departure::Departure, engine::Session};

/// Ends its session when it is dropped, which is how a client that leaves is noticed.
#[derive(Debug)]
pub(crate) struct EventBody(Arc<Session>);

impl EventBody {
    pub(crate) fn of(session: &Arc<Session>) -> Self {
        Self(Arc::clone(session))
    }
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let waiting = self.0.poll_take(cx, |encoded| encoded.text().len());
        waiting.map(|packets| {
            let packets = packets?;
            let mut text = BytesMut::new();
            for encoded in &packets {
                text.extend_from_slice(encoded.text());
            }
            Some(Ok(Frame::data(text.freeze())))
        })
    }
}

impl Drop for EventBody {
    fn drop(&mut self) {
        self.0.close(Departure::Client);
    }
}
