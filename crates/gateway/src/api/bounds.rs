//! How much one call may ask for.

use axum::{body::Bytes, extract::rejection::BytesRejection, http::StatusCode};

use super::error::ApiError;

const LIST_LEN: usize = 1_000;
const LIST_LEN_MAX: usize = 10_000;

/// Rooms that one call may name.
const ROOMS_LEN_MAX: usize = 100;

/// What a client may be told as a reason.
const REASON_BYTES_MAX: usize = 256;

/// A body that came whole, and is no longer than axum's 2 MB: more than any payload with all the names that
/// may stand beside it.
pub(super) fn whole(body: Result<Bytes, BytesRejection>) -> Result<Bytes, ApiError> {
    body.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
        _ => ApiError::Malformed("the body was cut off".to_owned()),
    })
}

pub(super) fn len_max(limit: Option<usize>) -> Result<usize, ApiError> {
    match limit.unwrap_or(LIST_LEN) {
        len @ 1..=LIST_LEN_MAX => Ok(len),
        _ => Err(ApiError::invalid(format!("limit: 1 to {LIST_LEN_MAX} are allowed"))),
    }
}

pub(super) fn check_rooms(rooms: &[String]) -> Result<(), ApiError> {
    match rooms.len() {
        1..=ROOMS_LEN_MAX => {}
        _ => return Err(ApiError::invalid(format!("rooms: names 1 to {ROOMS_LEN_MAX} rooms"))),
    }
    for room in rooms {
        notice::Room::new(room).map_err(|error| ApiError::invalid(format!("rooms: {error}")))?;
    }
    Ok(())
}

pub(super) fn check_reason(reason: Option<&str>) -> Result<(), ApiError> {
    if reason.is_some_and(|reason| reason.len() > REASON_BYTES_MAX) {
        return Err(ApiError::invalid(format!("reason: at most {REASON_BYTES_MAX} bytes")));
    }
    Ok(())
}
