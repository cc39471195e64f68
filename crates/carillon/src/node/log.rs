//! `/v1/log`: which log lines this node writes, and others for a while.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    response::Response,
    routing::{get, put},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::{
    node::answer::{self, Problem},
    settings::misspelt,
    telemetry::Levels,
};

/// How long a change holds, where nobody says.
const USUAL: Duration = Duration::from_mins(10);
/// The longest that one may hold: what is to stay belongs in the settings.
const LONGEST: Duration = Duration::from_hours(24);
/// The longest filter.
const FILTER_BYTES_MAX: usize = 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    filter: String,
    #[serde(default, rename = "for")]
    span: Option<String>,
}

#[derive(Serialize)]
struct Now<'a> {
    filter: &'a str,
    settings: &'a str,
    /// When it is as the settings say again; null: it is.
    until: Option<String>,
}

pub(super) fn router(levels: Levels) -> Router {
    Router::new().route("/v1/log", get(show)).route("/v1/log", put(change)).with_state(levels)
}

async fn show(State(levels): State<Levels>) -> Response {
    shown(&levels)
}

async fn change(State(levels): State<Levels>, body: Bytes) -> Result<Response, Problem> {
    let wish: Wish = serde_json::from_slice(&body).map_err(|error| {
        Problem::Malformed(format!("read the body: {error}, expected {{\"filter\",\"for\"?}}"))
    })?;
    if wish.filter.len() > FILTER_BYTES_MAX {
        let len = wish.filter.len();
        return Err(Problem::Invalid(format!(
            "filter: got {len} bytes, expected at most {FILTER_BYTES_MAX}"
        )));
    }
    let span = span(wish.span.as_deref())?;
    if let Some((problem, hint)) = misspelt(&wish.filter) {
        return Err(Problem::Misspelt { message: format!("filter: {problem}"), hint });
    }
    levels.change(&wish.filter, span).map_err(|_| {
        let filter = &wish.filter;
        Problem::Invalid(format!("filter: got {filter:?}, expected one like info,gateway=debug"))
    })?;
    Ok(shown(&levels))
}

fn span(text: Option<&str>) -> Result<Duration, Problem> {
    let Some(text) = text else { return Ok(USUAL) };
    let span = humantime::parse_duration(text);
    span.ok().filter(|span| !span.is_zero() && *span <= LONGEST).ok_or_else(|| {
        Problem::Invalid(format!("for: got {text:?}, expected a time up to 24h, such as 10m"))
    })
}

fn shown(levels: &Levels) -> Response {
    let now = levels.now();
    let until = now.until.map(|(_, at)| humantime::format_rfc3339_seconds(at).to_string());
    answer::json(StatusCode::OK, &Now { filter: &now.text, settings: levels.settled(), until })
}
