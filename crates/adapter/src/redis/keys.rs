//! Which keys belong to an audience, and its channel: all in one hash slot, so that one script may touch
//! them and one cluster node holds them.

use std::fmt;

use fred::types::Value;
use notice::{Audience, TaskKey};

/// The keys of every audience begin with this.
#[derive(Clone, Debug)]
pub(super) struct Prefix(String);

impl Prefix {
    /// `None` for a prefix that would choose the hash slot itself, or is empty.
    pub(super) fn new(prefix: &str) -> Option<Self> {
        let fits = !prefix.is_empty() && !prefix.contains(['{', '}']);
        fits.then(|| Self(prefix.to_owned()))
    }

    /// The keys that every script takes, in the order in which `life.lua` names them.
    pub(super) fn keys(&self, audience: &Audience) -> [Value; 5] {
        let key = |part: &dyn fmt::Display| format!("{}:{{{audience}}}:{part}", self.0).into();
        [key(&"life"), key(&"heads"), key(&"shown"), key(&"log"), self.channel(audience).into()]
    }

    /// The key that holds the audience's count.
    pub(super) fn life(&self, audience: &Audience) -> String {
        format!("{}:{{{audience}}}:life", self.0)
    }

    pub(super) fn channel(&self, audience: &Audience) -> String {
        format!("{}:{{{audience}}}", self.0)
    }
}

/// A task's field: its identity behind its length, so that no identity and run make another's.
pub(super) fn field(task: &TaskKey) -> String {
    let identity = field_of_identity(&task.identity);
    match &task.run {
        Some(run) => format!("{identity}:{run}"),
        None => identity,
    }
}

/// What the fields of all runs of a task begin with, a colon behind it but for the one without a run.
pub(super) fn field_of_identity(identity: &str) -> String {
    format!("{}:{identity}", identity.len())
}
