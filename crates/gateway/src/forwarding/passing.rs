//! One request on its way to the node that can answer it, and the answer on its way back.

use std::pin::pin;

use bytes::Bytes;
use futures_util::{FutureExt as _, future::FusedFuture};
use http::{
    HeaderMap, Method, Request, Response, StatusCode,
    header::{self, HeaderName},
};
use http_body_util::{BodyExt as _, Either, Full, Limited};
use hyper::{body::Incoming, client::conn::http1};
use thiserror::Error;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Neighbour,
    tunnel::{self, Tunnel},
};
use crate::{
    engine::{Answer, Asking, Purpose},
    events::Forwarded,
};

/// The longest answer: a poll takes a little more than `limits.payload_bytes`, or one packet of any size.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What belongs to a connection and not to what it carries.
const OF_A_CONNECTION: [HeaderName; 5] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::DATE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

#[derive(Debug, Error)]
pub(super) enum PassingError {
    #[error("open a tunnel to {address}: {source}")]
    Closed { address: String, source: std::io::Error },
    #[error("come in at {address}: it answered {status}")]
    NotLetIn { address: String, status: StatusCode },
    #[error("pass a request on: {0}")]
    Http(#[from] hyper::Error),
    #[error("read an answer: {0}")]
    Answer(Box<dyn std::error::Error + Send + Sync>),
}

/// Has `owner` answer. Dropped, it hangs up, which the owner takes for the client's own hanging up.
pub(super) async fn pass_on(
    asking: Asking,
    owner: &Neighbour,
    place: OwnedSemaphorePermit,
) -> Result<(Answer, Forwarded), PassingError> {
    let far = tunnel::open(owner).await?;
    let Asking { slot, mut request, .. } = asking;
    let near = hyper::upgrade::on(&mut request);
    let (mut sender, connection) = http1::handshake(far).await?;
    let mut connection = pin!(connection.with_upgrades().fuse());
    let mut answer = beside(&mut connection, sender.send_request(as_asked(request))).await?;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let far = hyper::upgrade::on(&mut answer);
        let far = beside(&mut connection, far).await?;
        slot.put(Purpose::Tunnel(Tunnel::new(far, place)), near);
        return Ok((answer.map(|_| Either::Left(Full::default())), Forwarded::Tunnelled));
    }
    let answer = beside(&mut connection, whole(answer)).await?;
    Ok((answer, Forwarded::Answered))
}

/// Does the work of `connection` until that is done for which it is there. It may end before: what it has
/// read is still to be had.
pub(super) async fn beside<T>(
    connection: &mut (impl FusedFuture + Unpin),
    exchange: impl Future<Output = T>,
) -> T {
    let mut exchange = pin!(exchange);
    loop {
        tokio::select! {
            biased;
            done = exchange.as_mut() => return done,
            _ended = &mut *connection, if !connection.is_terminated() => {}
        }
    }
}

/// The path and the query alone, as a server is asked.
fn as_asked(request: Request<Incoming>) -> Request<Incoming> {
    let (mut parts, body) = request.into_parts();
    parts.extensions.clear();
    parts.version = http::Version::HTTP_11;
    if let Some(path) = parts.uri.path_and_query() {
        parts.uri = path.clone().into();
    }
    if parts.method == Method::POST {
        parts.headers.remove(header::EXPECT);
    }
    Request::from_parts(parts, body)
}

async fn whole(answer: Response<Incoming>) -> Result<Answer, PassingError> {
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let body: Bytes = body.map_err(PassingError::Answer)?.to_bytes();
    let mut answer = Response::new(Either::Left(Full::new(body)));
    *answer.status_mut() = parts.status;
    *answer.headers_mut() = of_the_answer(parts.headers);
    Ok(answer)
}

fn of_the_answer(mut headers: HeaderMap) -> HeaderMap {
    for name in &OF_A_CONNECTION {
        headers.remove(name);
    }
    headers
}
