//! One call of a publishing script: the notices that go together, and what became of each.
//!
//! May not enter: which connection it goes by. A call for several costs Redis and both sides of the
//! connection much less than one for each; every notice in it is still a step of its own, made or not.

use std::{collections::HashMap, time::Duration};

use fred::{error::Error, types::Value};
use notice::{Audience, Draft, Kind, NoticeId, Order, Position, Stamp};
use rand::distr::{Alphanumeric, SampleString};

use crate::{
    error::PublishError,
    limits::{EPOCH_LEN, PAYLOAD_BYTES_MAX},
    publisher::Published,
    redis::{
        bus::{Bus, count, lasting, lasting_of, odd, position},
        copies::Stake,
        envelope::seal,
        keys::field,
        scripts::{LIFE_KEYS_LEN, Script, ScriptCall},
    },
};

/// Notices that go together at most, so that no script keeps others waiting for long.
const NOTICES_MAX: usize = 32;
/// Bytes behind which no further notice is put into a trip.
const BYTES_ENOUGH: usize = 256 * 1024;

/// The kinds of a notice that is of no task, in the scripts' words.
const PLAIN: &str = "n";
const KEPT: &str = "k";
const VOLATILE: &str = "v";

type Outcome = Result<Published, PublishError>;

/// Notices of one or of several audiences, which one script takes together.
pub(super) struct Trip {
    groups: Vec<Group>,
    len: usize,
    bytes: usize,
    has_stake: bool,
}

/// Notices of one audience in their order, each with its place among those it was handed in with.
struct Group {
    audience: Audience,
    places: Vec<usize>,
    /// What `publish.lua` takes of each.
    notices: Vec<[Value; NOTICE_LEN]>,
    bytes: usize,
    /// Whether anything of it must have a copy.
    has_stake: bool,
}

const NOTICE_LEN: usize = 5;

/// What was handed in together and is to make its trips.
pub(super) struct Trips {
    /// Of each audience as many groups as it needs, each as long as one trip may be.
    audiences: Vec<Vec<Group>>,
    places: HashMap<Audience, usize>,
    /// A cluster may have each audience elsewhere: there every trip is for one.
    is_clustered: bool,
}

// === impl Trips ===

impl Trips {
    pub(super) fn new(is_clustered: bool) -> Self {
        Self { audiences: Vec::new(), places: HashMap::new(), is_clustered }
    }

    /// Refuses what is too large, and leaves the rest unchanged.
    pub(super) fn add(
        &mut self,
        place: usize,
        draft: Draft,
        stake: &Stake,
    ) -> Result<(), PublishError> {
        let notice = words(&draft, stake)?;
        let known = self.places.get(&draft.audience).copied();
        let audience = known.unwrap_or_else(|| {
            self.places.insert(draft.audience.clone(), self.audiences.len());
            self.audiences.push(Vec::new());
            self.audiences.len() - 1
        });
        let groups = &mut self.audiences[audience];
        match groups.last_mut().filter(|group| group.has_room()) {
            Some(group) => group.push(place, &draft, notice),
            None => groups.push(Group::of_one(place, draft, notice)),
        }
        if let Some(group) = groups.last_mut() {
            group.has_stake |= !matches!(stake, Stake::Nothing);
        }
        Ok(())
    }

    /// The trips that may be on the way at once, one wave after the other. No two of one audience are: the second
    /// could come before the first, where that is sent once more because Redis did not know its script.
    pub(super) fn into_waves(self) -> Vec<Vec<Trip>> {
        let mut waves: Vec<Vec<Trip>> = Vec::new();
        for groups in self.audiences {
            waves.resize_with(waves.len().max(groups.len()), Vec::new);
            for (group, trips) in groups.into_iter().zip(&mut waves) {
                let open = trips.last_mut().filter(|trip| !self.is_clustered && trip.fits(&group));
                match open {
                    Some(trip) => trip.push(group),
                    None => trips.push(Trip::of(group)),
                }
            }
        }
        waves
    }
}

// === impl Group ===

impl Group {
    fn of_one(place: usize, draft: Draft, notice: [Value; NOTICE_LEN]) -> Self {
        let (audience, bytes) = (draft.audience, draft.payload.len_bytes());
        Self { audience, places: vec![place], notices: vec![notice], bytes, has_stake: false }
    }

    fn has_room(&self) -> bool {
        self.places.len() < NOTICES_MAX && self.bytes < BYTES_ENOUGH
    }

    fn push(&mut self, place: usize, draft: &Draft, notice: [Value; NOTICE_LEN]) {
        self.places.push(place);
        self.notices.push(notice);
        self.bytes += draft.payload.len_bytes();
    }
}

// === impl Trip ===

impl Trip {
    pub(super) fn of_one(draft: Draft) -> Result<Self, PublishError> {
        let notice = words(&draft, &Stake::Nothing)?;
        Ok(Self::of(Group::of_one(0, draft, notice)))
    }

    fn of(group: Group) -> Self {
        let Group { bytes, has_stake, .. } = group;
        Self { len: group.places.len(), bytes, has_stake, groups: vec![group] }
    }

    fn fits(&self, group: &Group) -> bool {
        self.len + group.places.len() <= NOTICES_MAX && self.bytes + group.bytes <= BYTES_ENOUGH
    }

    fn push(&mut self, group: Group) {
        self.len += group.places.len();
        self.bytes += group.bytes;
        self.has_stake |= group.has_stake;
        self.groups.push(group);
    }

    pub(super) fn has_stake(&self) -> bool {
        self.has_stake
    }

    pub(super) fn audiences(&self) -> impl Iterator<Item = &Audience> {
        self.groups.iter().map(|group| &group.audience)
    }

    /// The first of its audiences: all are where this one is.
    pub(super) fn audience(&self) -> &Audience {
        &self.groups[0].audience
    }

    /// The only notice, where it is the only one and new, and neither of a task nor kept.
    fn plain(&self) -> Option<(&Value, &Value)> {
        let [Group { notices, .. }] = &*self.groups else { return None };
        let [[kind, earlier, .., envelope]] = &**notices else { return None };
        let is_new = earlier.as_bytes().is_none_or(<[u8]>::is_empty);
        let is_plain = is_new && matches!(kind.as_str().as_deref(), Some(PLAIN | VOLATILE));
        is_plain.then_some((envelope, kind))
    }

    pub(super) fn is_plain(&self) -> bool {
        self.plain().is_some()
    }

    /// Which script it takes.
    pub(super) fn script<'a>(&self, bus: &'a Bus) -> &'a Script {
        if self.is_plain() { &bus.scripts.plain } else { &bus.scripts.publish }
    }

    /// With which keys and arguments.
    pub(super) fn call(&self, bus: &Bus) -> ScriptCall {
        let keys_len = self.groups.len() * LIFE_KEYS_LEN;
        // Behind the keys: the epoch, and before the notices of each audience how many there are.
        let mut call =
            ScriptCall::new(keys_len, keys_len + 1 + self.groups.len() + self.len * NOTICE_LEN);
        call.extend(self.groups.iter().flat_map(|group| bus.prefix.keys(&group.audience)));
        call.extend([Alphanumeric.sample_string(&mut rand::rng(), EPOCH_LEN).into()]);
        if let Some((envelope, kind)) = self.plain() {
            call.extend([envelope.clone(), kind.clone()]);
            return call;
        }
        for Group { notices, .. } in &self.groups {
            call.extend([count(notices.len())]);
            call.extend(notices.iter().flatten().cloned());
        }
        call
    }

    /// What became of each notice, by its place.
    pub(super) fn outcomes(
        self,
        answer: Result<Value, Error>,
        tasks_max: usize,
    ) -> Vec<(usize, Audience, Outcome)> {
        let is_plain = self.is_plain();
        let answers = answer.map(|answer| match answer {
            answer if is_plain => vec![answer],
            answer => answer.into_array(),
        });
        let mut answers = answers.map(Vec::into_iter);
        let mut outcomes = Vec::with_capacity(self.len);
        for Group { audience, places, .. } in self.groups {
            for place in places {
                let outcome = match &mut answers {
                    Ok(answers) => outcome(&audience, answers.next(), tasks_max),
                    Err(error) => Err(publish_error(audience.clone(), error)),
                };
                outcomes.push((place, audience.clone(), outcome));
            }
        }
        outcomes
    }
}

/// A draft as `publish.lua` takes it.
fn words(draft: &Draft, stake: &Stake) -> Result<[Value; NOTICE_LEN], PublishError> {
    let (len_bytes, len_bytes_max) = (draft.payload.len_bytes(), PAYLOAD_BYTES_MAX);
    if len_bytes > len_bytes_max {
        let audience = draft.audience.clone();
        return Err(PublishError::TooLarge { audience, len_bytes, len_bytes_max });
    }
    let (kind, task, order) = match &draft.kind {
        Kind::Progress { task, order } => ("p", field(task).into(), *order),
        Kind::Final { task, order } => ("f", field(task).into(), *order),
        Kind::Kept => (KEPT, earlier(stake), Order::default()),
        Kind::Plain => (PLAIN, earlier(stake), Order::default()),
        Kind::Volatile => (VOLATILE, earlier(stake), Order::default()),
    };
    let version = order
        .version
        .map_or_else(|| Value::from_static_str("-"), |number| format!("{number:e}").into());
    let stamp = order.stamp.map_or_else(
        || Value::from_static_str(""),
        |stamp| format!("{:020}{:020}{:016}", stamp.millis, stamp.count, 0).into(),
    );
    Ok([Value::from_static_str(kind), task, version, stamp, Value::Bytes(seal(draft))])
}

/// In place of a task: the number that the notice may have.
fn earlier(stake: &Stake) -> Value {
    let text = |position: &Position| format!("{}-{}", position.epoch, position.seq).into();
    stake.position().map_or_else(|| Value::from_static_str(""), text)
}

fn outcome(audience: &Audience, answer: Option<Value>, tasks_max: usize) -> Outcome {
    let broken = |reason| PublishError::Broken { audience: audience.clone(), reason };
    let parts = answer.map(Value::into_array).unwrap_or_default();
    let outcome = parts.first().and_then(Value::as_str).unwrap_or_default();
    match (&*outcome, parts.get(1..)) {
        ("accepted", Some([epoch, seq, nodes])) => {
            let position = position(epoch, seq).ok_or_else(|| broken(odd()))?;
            let nodes = nodes.as_u64().and_then(|nodes| usize::try_from(nodes).ok());
            let id = NoticeId { audience: audience.clone(), position };
            Ok(Published::Accepted { id, nodes: nodes.unwrap_or_default() })
        }
        ("superseded", _) => Ok(Published::Superseded),
        ("after_final", _) => Ok(Published::AfterFinal),
        ("early", Some([wait, stamp])) => {
            let (wait, stamp) =
                wait.as_u64().zip(read_stamp(stamp)).ok_or_else(|| broken(odd()))?;
            Ok(Published::Early { wait: Duration::from_millis(wait), stamp })
        }
        ("full", _) => {
            let (audience, what) = (audience.clone(), "tasks of one user");
            Err(PublishError::Full { audience, what, len_max: tasks_max })
        }
        ("broken", Some([reason])) => {
            let reason = reason.as_str().unwrap_or_default();
            Err(broken(lasting_of(&reason).unwrap_or_else(odd)))
        }
        _ => Err(broken(odd())),
    }
}

/// A stamp as `publish.lua` writes it: milliseconds, a count within them, and ticks behind that, which
/// become one more in the count.
fn read_stamp(text: &Value) -> Option<Stamp> {
    let text = text.as_str()?;
    let number = |digits: Option<&str>| digits?.parse::<u64>().ok();
    let (millis, count) = (number(text.get(..20))?, number(text.get(20..40))?);
    let ticks = number(text.get(40..))?;
    Some(Stamp { millis, count: count.saturating_add(ticks.min(1)) })
}

/// A key of a wrong type concerns one audience only. Whatever else is wrong concerns all, and is waited
/// for: an error that Redis told means that nothing was done, any other may have come after that.
fn publish_error(audience: Audience, error: &Error) -> PublishError {
    match lasting(error) {
        Some(reason) if reason.starts_with("WRONGTYPE") => {
            PublishError::Broken { audience, reason }
        }
        Some(_) => PublishError::Unreachable { audience },
        None => PublishError::Unconfirmed { audience },
    }
}
