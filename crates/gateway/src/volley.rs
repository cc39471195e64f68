//! Notices of one audience that came together: each of its sockets gets them in one write.
//!
//! May not enter: a notice that is not for all members, that may not wait, or that each socket gets under a
//! name of its own.

use std::sync::Arc;

use notice::{Audience, Kind, Notice, TaskKey};

use crate::{encoded::Encoded, engine::Dialect, forms::Forms};

pub(crate) struct Volley<'a> {
    forms: Vec<Forms<'a>>,
}

impl<'a> Volley<'a> {
    pub(crate) fn takes(notice: &Notice) -> bool {
        let draft = &notice.draft;
        draft.narrowing.is_none() && draft.event.is_some() && draft.kind != Kind::Volatile
    }

    /// Of notices that it takes, and of one audience.
    pub(crate) fn of(notices: impl Iterator<Item = &'a Arc<Notice>>) -> Self {
        Self { forms: notices.map(|notice| Forms::new(notice, false)).collect() }
    }

    pub(crate) fn audience(&self) -> Option<&Audience> {
        self.forms.first().map(|forms| &forms.notice.draft.audience)
    }

    pub(crate) fn forms(&self) -> &[Forms<'a>] {
        &self.forms
    }

    /// Each as sockets of `dialect` get it, with the task whose newer progress may replace it.
    pub(crate) fn encoded(
        &self,
        dialect: Dialect,
    ) -> impl Iterator<Item = (&Arc<Encoded>, Option<&TaskKey>)> {
        self.forms.iter().filter_map(move |forms| {
            let draft = &forms.notice.draft;
            let event = draft.event.as_ref()?;
            Some((forms.shared(dialect, event), draft.kind.replaceable()))
        })
    }
}
