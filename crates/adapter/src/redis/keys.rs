//! Which keys belong to an audience, and its channel: all in one hash slot, so that one script may touch
//! them and one cluster node holds them.

use fred::types::Value;
use notice::{Audience, NodeId, TaskKey};

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
    pub(super) fn keys(&self, audience: &Audience) -> [Value; 6] {
        let channel = self.channel(audience);
        // One allocation each: every notice needs them.
        let key = |part: &str| [&channel, ":", part].concat().into();
        let (life, heads, shown, log) = (key("life"), key("heads"), key("shown"), key("log"));
        let recent = key("recent");
        [life, heads, shown, log, channel.into(), recent]
    }

    /// The key that holds the audience's count.
    pub(super) fn life(&self, audience: &Audience) -> String {
        format!("{}:{{{audience}}}:life", self.0)
    }

    /// The keys that every script over a room's logins takes, in the order in which `room.lua` names them.
    pub(super) fn room_keys(&self, room: &Audience) -> [Value; 3] {
        let key = |part: &str| format!("{}:{{{room}}}:{part}", self.0).into();
        [key("logins"), key("leases"), self.channel(room).into()]
    }

    /// Since when the cluster knows each Redis process.
    pub(super) fn eras(&self) -> String {
        format!("{}:{{logins}}:eras", self.0)
    }

    /// Holds one seat for its client.
    pub(super) fn seat(&self, key: &str) -> String {
        format!("{}:seat:{key}", self.0)
    }

    /// The keys of what is revoked, in the order in which its scripts name them.
    pub(super) fn revoked_keys(&self) -> [Value; 3] {
        ["ends", "marks", "befores"].map(|part| format!("{}:{{revoked}}:{part}", self.0).into())
    }

    pub(super) fn channel(&self, audience: &Audience) -> String {
        format!("{}:{{{audience}}}", self.0)
    }

    /// A channel of one node's own, in a slot that its number chooses.
    pub(super) fn canary(&self, name: &str, number: u32) -> String {
        format!("{}:{{canary:{name}:{number}}}", self.0)
    }

    /// Holds the nodes' leases.
    pub(super) fn leases(&self) -> String {
        format!("{}:{{nodes}}:leases", self.0)
    }

    /// What the nodes' own channels begin with: all in one slot with the leases, because one script
    /// writes to all of them.
    pub(super) fn channels_of_nodes(&self) -> String {
        format!("{}:{{nodes}}:", self.0)
    }

    pub(super) fn channel_of_node(&self, node: &NodeId) -> String {
        format!("{}{node}", self.channels_of_nodes())
    }

    /// A stream that others read.
    pub(super) fn stream(&self, name: &str) -> String {
        format!("{}:{name}", self.0)
    }

    /// A channel that is watched under this name.
    pub(super) fn signal(&self, name: &str) -> String {
        format!("{}:signal:{{{name}}}", self.0)
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

#[cfg(test)]
mod tests {
    //! That keys stay together and fields stay apart.

    use std::sync::Arc;

    use notice::UserId;

    use super::*;

    /// What Redis Cluster hashes of a key: what stands between the first brace and the next closing one.
    fn hashed(key: &str) -> &str {
        let (_, tagged) = key.split_once('{').expect("every key has a tag");
        let (tag, _) = tagged.split_once('}').expect("every tag ends");
        tag
    }

    #[test]
    fn all_keys_of_an_audience_and_its_channel_are_in_one_slot() {
        let prefix = Prefix::new("carillon").unwrap();
        for user in ["5", "a}b", "{a", "}", "{}"] {
            let audience = Audience::tasks_of(UserId::new(user).unwrap());
            let keys = prefix.keys(&audience).map(|key| key.as_string().unwrap());
            let tags: Vec<_> = keys.iter().map(|key| hashed(key)).collect();
            let of_room = prefix.room_keys(&audience).map(|key| key.as_string().unwrap());
            assert!(of_room.iter().all(|key| hashed(key) == tags[0]), "{of_room:?}");
            assert!(!tags[0].is_empty() && tags.iter().all(|tag| *tag == tags[0]), "{keys:?}");
        }
    }

    #[test]
    fn the_channels_of_all_nodes_are_in_the_slot_of_their_leases() {
        let prefix = Prefix::new("carillon").unwrap();
        let leases = prefix.leases();
        for node in ["a", "{b}", "}"] {
            let channel = prefix.channel_of_node(&NodeId::new(node).unwrap());
            assert_eq!(hashed(&channel), hashed(&leases), "{channel}");
            assert_ne!(channel, leases);
        }
    }

    #[test]
    fn a_prefix_that_would_choose_the_slot_is_refused() {
        for prefix in ["", "{a}", "a{", "a}"] {
            assert!(Prefix::new(prefix).is_none(), "{prefix:?} was taken");
        }
    }

    #[test]
    fn no_identity_and_run_make_the_field_of_another_task() {
        let task = |identity: &str, run: Option<&str>| {
            field(&TaskKey { identity: Arc::from(identity), run: run.map(Arc::from) })
        };
        let fields =
            [task("a", None), task("a", Some("")), task("a", Some("1")), task("a:1", None)];
        for (index, one) in fields.iter().enumerate() {
            assert!(!fields[index + 1..].contains(one), "{one}");
        }
    }
}
