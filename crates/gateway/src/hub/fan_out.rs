//! Notices of one audience on their way to its members: handed out in turns, between which others run, and by
//! several tasks where there are cores for them.
//!
//! What comes for the same audience meanwhile may join: those who are still to come get it in the same write,
//! and the others in a second round.
//!
//! Promise: a seat gets a fan-out's notices in order, each once.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use adapter::Gap;
use notice::{Audience, NodeId, Notice};
use parking_lot::Mutex;
use trace::Hearing;

use super::{
    Choice, Hub, Members,
    parts::{Part, Parts},
    turn::Turn,
    volley::Volley,
};
use crate::{
    events::{Events, Tally},
    forms::{ByDialect, Forms},
    frames_of,
    seat::Seat,
    timing::Timed,
};

#[derive(Debug)]
pub(crate) struct FanOut {
    audience: Audience,
    /// The members as they were when it began. Each list holds a member once.
    lists: Vec<Members>,
    /// Where the notice is not for all of them. Only one hands out then.
    choice: Option<Mutex<Choice>>,
    errand: Errand,
    /// How many seats took a notice or more.
    taken: AtomicUsize,
    state: Mutex<State>,
}

/// What there is to do for each member.
#[derive(Debug)]
enum Errand {
    /// It gets the notices.
    Deliver,
    /// The audience is counted anew, and what was read before says nothing of what comes.
    Renumber,
    /// It is told that something is gone.
    TellOf(Arc<Gap>, Box<ByDialect>),
}

/// Locked between two parts, never while one is handed out.
#[derive(Debug)]
struct State {
    volley: Arc<Volley>,
    parts: Parts,
    timed: Timed,
}

impl FanOut {
    pub(super) fn new(notice: &Arc<Notice>, lists: Vec<Members>) -> Self {
        let draft = &notice.draft;
        let narrowing = draft.narrowing.as_deref();
        let choice = narrowing.is_some().then(|| Mutex::new(Choice::of(narrowing)));
        let fan_out = Self::of(draft.audience.clone(), lists, Volley::of(notice));
        Self { choice, ..fan_out }
    }

    /// Has all members forget what numbers they have read, and gives them what is kept.
    pub(super) fn renumbered(
        audience: &Audience,
        notices: &[Arc<Notice>],
        lists: Vec<Members>,
    ) -> Self {
        let fan_out = Self::of(audience.clone(), lists, Volley::again(notices));
        Self { errand: Errand::Renumber, ..fan_out }
    }

    /// Tells all members of `gap`.
    pub(super) fn telling_of(gap: Arc<Gap>, lists: Vec<Members>) -> Self {
        let fan_out = Self::of(gap.since.audience.clone(), lists, Volley::again(&[]));
        Self { errand: Errand::TellOf(gap, Box::default()), ..fan_out }
    }

    fn of(audience: Audience, lists: Vec<Members>, volley: Volley) -> Self {
        let parts = Parts::of(lists.iter().map(|members| members.len()));
        let (volley, timed) = (Arc::new(volley), Timed::default());
        Self {
            audience,
            lists,
            choice: None,
            errand: Errand::Deliver,
            taken: AtomicUsize::new(0),
            state: Mutex::new(State { volley, parts, timed }),
        }
    }

    pub(crate) fn audience(&self) -> &Audience {
        &self.audience
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many tasks could hand out at once. Only one may know who was chosen from several lists.
    pub(crate) fn hands_max(&self) -> usize {
        if self.choice.is_some() { 1 } else { self.state.lock().parts.len() }
    }

    /// Takes the audience's next notice along, if it fits and the members are still the same.
    pub(crate) fn join(&self, notice: &Arc<Notice>, hub: &Hub) -> bool {
        if notice.draft.audience != self.audience {
            return false;
        }
        let is_for_the_same = self.is_for_all_members_of(hub);
        let mut state = self.state.lock();
        let joins = is_for_the_same && state.volley.takes(notice);
        if joins {
            Arc::make_mut(&mut state.volley).push(notice);
        }
        joins
    }

    /// A list that somebody holds is not changed, but replaced.
    fn is_for_all_members_of(&self, hub: &Hub) -> bool {
        let lists = hub.lists(&self.audience, None);
        let mut both = self.lists.iter().zip(&lists);
        self.lists.len() == lists.len() && both.all(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// Hands out to the end, and lets others run in between.
    pub(crate) async fn run(&self, events: &Events) {
        while !self.go_on(&mut Turn::begin(), events) {
            tokio::task::yield_now().await;
        }
    }

    /// Hands out for what is left of `turn`. `true`: nothing is left but what others have in hand.
    pub(crate) fn go_on(&self, turn: &mut Turn, events: &Events) -> bool {
        while let Some((part, volley)) = self.take() {
            let done = self.hand_out(&part, &volley, turn, events);
            self.state.lock().parts.put_back(part, done, volley.reach());
            if turn.is_over() {
                return self.is_through();
            }
        }
        true
    }

    /// Whether everybody has everything, as far as nobody has some of it in hand.
    pub(crate) fn is_through(&self) -> bool {
        let state = self.state.lock();
        state.parts.have_had(state.volley.reach())
    }

    /// Keeps the times of one of its notices, should anybody want to know them.
    pub(crate) fn time(&self, notice: &Arc<Notice>, node: &NodeId) {
        if let Some(hearing) = Hearing::begin(notice, node) {
            self.state.lock().timed.add(notice, hearing);
        }
    }

    /// Notes that everybody has everything.
    pub(crate) fn ended(&self, events: &Events) {
        let (notices, timed) = {
            let mut state = self.state.lock();
            (state.volley.len(), mem::take(&mut state.timed))
        };
        let members = self.lists.iter().map(|members| members.len()).sum();
        let sockets = if notices == 1 { self.taken() } else { members };
        events.fanned_out(notices, sockets);
        timed.ended(sockets, events);
    }

    fn take(&self) -> Option<(Part, Arc<Volley>)> {
        let mut state = self.state.lock();
        let reach = state.volley.reach();
        let part = state.parts.take(reach)?;
        Some((part, Arc::clone(&state.volley)))
    }

    /// Says how many seats of the part are done.
    fn hand_out(&self, part: &Part, volley: &Volley, turn: &mut Turn, events: &Events) -> usize {
        let (mut done, mut taken) = (0, 0);
        let mut tally = Tally::of_round(events, turn.now);
        for seat in &self.lists[part.list][part.seats.clone()] {
            let is_meant = self.choice.as_ref().is_none_or(|choice| choice.lock().takes(seat));
            if is_meant && self.hand_to(seat, volley.after(part.had), &mut tally) {
                taken += 1;
            }
            done += 1;
            turn.count();
            if turn.is_over() {
                break;
            }
        }
        self.taken.fetch_add(taken, Ordering::Relaxed);
        done
    }

    /// Says whether the seat took any.
    fn hand_to(&self, seat: &Arc<Seat>, all: &[Arc<Forms>], tally: &mut Tally<'_>) -> bool {
        match &self.errand {
            Errand::Deliver => return seat.deliver_all(all, tally),
            Errand::Renumber => seat.renumber(&self.audience),
            Errand::TellOf(gap, shared) => {
                let dialect = seat.session.dialect;
                let encode = || frames_of::gap(dialect, &seat.namespace, gap);
                return seat.session.send(shared.get(dialect, encode)).is_some();
            }
        }
        let is_for_it = |forms: &Forms| {
            let narrowing = forms.notice.draft.narrowing.as_deref();
            Choice::means(narrowing, seat)
        };
        let taken = all.iter().filter(|forms| is_for_it(forms) && seat.deliver(forms, tally));
        taken.count() > 0
    }
}
