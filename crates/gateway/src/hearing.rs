//! Whether this node is the deaf one: what is published does not reach it, though it reaches another. Then
//! newcomers had better go there.
//!
//! Promise: where no other node hears more, this one takes newcomers as before. So not all of them ever turn
//! away at once, whatever is wrong with what they share.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{others::About, shared::Shared};

/// What was found when it was last looked at.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    is_deaf: AtomicBool,
}

impl Hearing {
    /// Whether it hears less than another.
    pub(crate) fn is_deaf(&self) -> bool {
        self.is_deaf.load(Ordering::Relaxed)
    }
}

/// Looks at the others only if this node hears nothing.
pub(crate) async fn look(shared: &Shared) {
    let is_deaf = shared.echo.is_silent() && another_hears(shared).await;
    let was_deaf = shared.hearing.is_deaf.swap(is_deaf, Ordering::Relaxed);
    if is_deaf != was_deaf {
        shared.events.deaf(is_deaf);
    }
}

async fn another_hears(shared: &Shared) -> bool {
    let Ok(living) = shared.nodes.living().await else { return false };
    let mut others = living.iter().filter(|living| living.node != shared.config.node);
    others.any(|other| {
        let about = About::read(other);
        about.takes_newcomers() && !about.silent
    })
}
