//! Reads a request's body, up to what the API takes, before anybody works on it: so whatever is called, the
//! body is there, or the answer says why it is not.

use std::time::Duration;

use axum::{body::Body, extract::Request};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use ingest::BODY_BYTES_MAX;
use tokio::time;

use crate::node::answer::Problem;

/// How much of a body that is too long is read and dropped, so that its sender comes to read the
/// answer instead of finding the connection broken.
const DROPPED_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;

/// How long a body may take to come: less than the whole request may.
const READ_WITHIN: Duration = Duration::from_mins(1);

/// The request with its whole body, and that body once more. Where one is called that has an answer of its own
/// for a body that cannot be read, it is told why instead.
pub(super) async fn whole(request: Request) -> Result<(Request, Bytes), Problem> {
    let (mut parts, body) = request.into_parts();
    let read = time::timeout(READ_WITHIN, read(body)).await;
    let body = match read.unwrap_or(Err(Problem::TooSlow)) {
        Ok(body) => body,
        Err(problem) if parts.uri.path() == gateway::DOWNLINK_PATH => {
            parts.extensions.insert(gateway::Unread(problem.message()));
            Bytes::new()
        }
        Err(problem) => return Err(problem),
    };
    Ok((Request::from_parts(parts, body.clone().into()), body))
}

async fn read(mut body: Body) -> Result<Bytes, Problem> {
    let mut read = BytesMut::new();
    let mut len_bytes = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| Problem::Malformed("read body: it was cut off".to_owned()))?;
        let Ok(data) = frame.into_data() else { continue };
        len_bytes = len_bytes.saturating_add(data.len());
        if len_bytes <= BODY_BYTES_MAX {
            read.extend_from_slice(&data);
        } else if len_bytes > DROPPED_BYTES_MAX {
            break;
        }
    }
    if len_bytes > BODY_BYTES_MAX {
        let text = format!("read body: it is longer than {BODY_BYTES_MAX} bytes");
        return Err(Problem::TooLarge(text));
    }
    Ok(read.freeze())
}
