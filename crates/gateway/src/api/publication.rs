//! What a call has published to the whole cluster, as part of its caller's trace.

use std::{convert::Infallible, time::SystemTime};

use adapter::{PublishError, Published, publish_outcome};
use axum::{extract::FromRequestParts, http::request::Parts};
use notice::{Audience, Draft, TraceParent};
use trace::{Emit, Reach, Times};

use super::{emit::kept, error::ApiError};
use crate::shared::Shared;

/// The trace of the caller, if its headers `traceparent` and `tracestate` name one.
#[derive(Clone, Debug)]
pub(super) struct Parent(Option<TraceParent>);

impl<S: Sync> FromRequestParts<S> for Parent {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let text = |name| parts.headers.get(name).and_then(|text| text.to_str().ok());
        let parent = text("traceparent").and_then(TraceParent::parse);
        Ok(Self(parent.map(|parent| parent.beside(text("tracestate")))))
    }
}

impl Parent {
    /// The span of an emit that does not go over the bus.
    pub(super) fn emit(self, shared: &Shared, reach: Reach, audience: &Audience) -> Option<Emit> {
        shared.config.sampling.emit(reach, audience, self.0)
    }
}

/// Gives the notice's id, and how many nodes heard it.
pub(super) async fn publish(
    shared: &Shared,
    draft: Draft,
    Parent(parent): Parent,
) -> Result<(String, usize), ApiError> {
    let span = shared.config.sampling.publish(&draft.audience, parent);
    let trace = span.as_ref().map(|span| Box::new(span.trace()));
    let times = Times { handed_in: draft.handed_in, sent_at: SystemTime::now() };
    let answer = shared.publisher.publish(Draft { trace, ..draft }).await;
    let accepted = answer.as_ref().map(Published::accepted);
    trace::published(span, publish_outcome(&answer), accepted, times);
    match answer {
        Ok(Published::Accepted { id, nodes }) => Ok((id.to_string(), nodes)),
        // Only a task's notices are late or early, and an emit is about no task.
        Ok(Published::Superseded | Published::AfterFinal | Published::Early { .. }) => {
            Err(ApiError::Unavailable)
        }
        Err(error) if error.may_have_arrived() => Err(ApiError::Unsure),
        Err(error) if error.is_transient() => Err(ApiError::Unavailable),
        Err(PublishError::Narrowed { .. }) => Err(kept()),
        Err(PublishError::Full { .. }) => Err(ApiError::Unavailable),
        Err(error) => Err(ApiError::invalid(error.to_string())),
    }
}
