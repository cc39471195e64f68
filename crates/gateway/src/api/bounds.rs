//! How much one call may ask for.

use super::error::ApiError;

const LIST_LEN: usize = 1_000;
const LIST_LEN_MAX: usize = 10_000;

/// Rooms that one call may name.
const ROOMS_LEN_MAX: usize = 100;

/// What a client may be told as a reason.
const REASON_BYTES_MAX: usize = 256;

pub(super) fn len_max(limit: Option<usize>) -> Result<usize, ApiError> {
    match limit.unwrap_or(LIST_LEN) {
        len @ 1..=LIST_LEN_MAX => Ok(len),
        _ => Err(ApiError::invalid(format!("limit: 1 to {LIST_LEN_MAX} are allowed"))),
    }
}

pub(super) fn check_rooms(rooms: &[String]) -> Result<(), ApiError> {
    match rooms.len() {
        1..=ROOMS_LEN_MAX => {}
        _ => return Err(ApiError::invalid(format!("rooms: name 1 to {ROOMS_LEN_MAX} rooms"))),
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
