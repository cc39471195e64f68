//! Notices of one audience that came together: each of its sockets gets them in one write.
//!
//! May not enter: a notice that is not for all members, that may not wait, or that each socket gets under a
//! name of its own.

use std::sync::Arc;

use notice::{Audience, Kind, Notice, TaskKey};

use crate::{encoded::Encoded, engine::Dialect, forms::Forms};

pub(crate) struct Volley<'a> {
    notices: Vec<&'a Arc<Notice>>,
    forms: Vec<Forms<'a>>,
}

impl<'a> Volley<'a> {
    pub(crate) fn takes(notice: &Notice) -> bool {
        let draft = &notice.draft;
        draft.narrowing.is_none() && draft.event.is_some() && draft.kind != Kind::Volatile
    }

    /// Of notices that it takes, and of one audience.
    pub(crate) fn of(notices: impl Iterator<Item = &'a Arc<Notice>>) -> Self {
        let notices: Vec<_> = notices.collect();
        let forms = notices.iter().map(|notice| Forms::new(notice, false)).collect();
        Self { notices, forms }
    }

    pub(crate) fn audience(&self) -> Option<&Audience> {
        self.notices.first().map(|notice| &notice.draft.audience)
    }

    pub(crate) fn notices(&self) -> &[&'a Arc<Notice>] {
        &self.notices
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = (&'a Arc<Notice>, &Forms<'a>)> {
        self.notices.iter().copied().zip(&self.forms)
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
