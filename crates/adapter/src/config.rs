//! How much the bus keeps, how long, and how long it waits. Checked by whoever builds it.

use std::time::Duration;

use notice::RoomPatterns;

/// Limits and ages of a bus, all of them explicit. No time here may be longer than a few years: the
/// bus adds it to the present.
#[derive(Clone, Debug)]
pub struct Config {
    /// Rooms whose plain notices are kept as finals are.
    pub kept_rooms: RoomPatterns,
    /// Finals kept per audience. Past it, the oldest is trimmed and a cursor before it sees a gap.
    pub finals_keep: usize,
    /// How long a final is kept.
    pub finals_age: Duration,
    /// How long a task without an end is remembered after its last progress.
    pub live_age: Duration,
    /// How long an ended task is remembered, so that nothing follows its end.
    pub ended_age: Duration,
    /// Notices that wait for one node to take them. When full, publishers wait. At least 1.
    pub inbox_len_max: usize,
    /// How long a node keeps hearing an audience after its last member there has left.
    pub interest_linger: Duration,
    /// Tasks remembered per user. Past it, a notice of one more task is refused; but an end takes the place of
    /// those that ended first, of which a hundredth of all is forgotten.
    pub tasks_per_user_max: usize,
    /// Audiences counted at once, and audiences listened to at once. Past it, one more is refused.
    pub audiences_max: usize,
    /// The least time between two progress notices of one task, whoever hands them in. Zero: none.
    pub progress_pace: Duration,
    /// How long a publisher waits for a full inbox before it refuses.
    pub publish_wait: Duration,
    /// How long a member of a room counts after its node was last heard of; renewed every third of it. A
    /// node that has not renewed for four fifths of it puts its members out itself.
    pub login_lease: Duration,
    /// Members logged in to one room at once. Past it, one more is refused.
    pub room_members_max: usize,
    /// Rooms with members at once: of one node over Redis, of all nodes together in memory. Past it, one
    /// more is refused.
    pub login_rooms_max: usize,
    /// Revocations kept at once. Past it, one more is refused.
    pub revocations_max: usize,
    /// How long a node counts as living after it was last heard of; it is renewed every third of it. A
    /// node that leaves in order is gone at once.
    pub node_lease: Duration,
    /// How long a seat is held for a client that was cut off, and what it misses is kept. None: no seat is.
    pub seats_held: Option<Duration>,
    /// The stream for what clients say, named behind the prefix. None: nobody reads it, and nothing is kept.
    pub uplink: Option<String>,
}

impl Config {
    /// How long a plain notice is kept at least for those who come back; zero: not at all. A client may have been
    /// cut off for as long as a ping takes to fail before its seat begins to be held, which is less than that
    /// takes, and a third of it passes between two renewals.
    pub(crate) fn recent_age(&self) -> Duration {
        self.seats_held.map_or(Duration::ZERO, |held| held * 3)
    }
}
