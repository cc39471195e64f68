//! Files that pages load from the public port, and keep for as long as they are the same.

use std::hash::{DefaultHasher, Hasher as _};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::engine::{Answer, plain_text, with_type};

const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const MAP: HeaderValue = HeaderValue::from_static("application/json");

/// One file, with the tag by which a browser asks whether it has changed.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    body: Bytes,
    kind: HeaderValue,
    tag: HeaderValue,
}

/// The official client for browsers, and its source map where there is one.
#[derive(Clone, Debug)]
pub struct Bundle {
    script: Script,
    map: Option<Script>,
}

impl Script {
    pub(crate) fn new(body: impl Into<Bytes>) -> Self {
        Self::of(body.into(), SCRIPT)
    }

    fn of(body: Bytes, kind: HeaderValue) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(&body);
        let tag = format!("\"{:016x}\"", hasher.finish());
        let tag = HeaderValue::from_str(&tag).expect("digits between quotes are a value");
        Self { body, kind, tag }
    }

    /// The body of an answer to HEAD is left out by the server.
    pub(crate) fn answer(&self, method: &Method, headers: &HeaderMap) -> Answer {
        if method != Method::GET && method != Method::HEAD {
            let mut answer = plain_text(StatusCode::METHOD_NOT_ALLOWED, "this is to be read");
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        let mut answer = if self.is_known(headers) {
            with_type(StatusCode::NOT_MODIFIED, self.kind.clone(), Bytes::new())
        } else {
            with_type(StatusCode::OK, self.kind.clone(), self.body.clone())
        };
        let headers = answer.headers_mut();
        headers.insert(header::ETAG, self.tag.clone());
        // Kept, and asked about before each use: a new version arrives with the next reload.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        answer
    }

    /// Whether the browser names the tag of what it has (RFC 9110 §13.1.2).
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let known = headers.get_all(header::IF_NONE_MATCH).iter();
        let mut tags = known.filter_map(|tags| tags.to_str().ok()).flat_map(|tags| tags.split(','));
        tags.any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.tag
        })
    }
}

impl Bundle {
    pub fn new(script: Bytes, map: Option<Bytes>) -> Self {
        Self { script: Script::new(script), map: map.map(|map| Script::of(map, MAP)) }
    }

    /// The file of this name, as pages of Node's server load it.
    pub(crate) fn file(&self, name: &str) -> Option<&Script> {
        match name.strip_suffix(".map") {
            Some(_script) => self.map.as_ref(),
            None => Some(&self.script),
        }
    }
}
