//! Which keys are the workers', which are ours beside them, and what shares a hash slot.

/// The consumer group of the stream.
pub(super) const GROUP: &str = "carillon";

#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// The stream's key, and the channel's name: those are two worlds in Redis.
    pub(super) fn tasks(&self) -> String {
        format!("{}:tasks", self.prefix)
    }

    pub(super) fn list(&self) -> String {
        format!("{}:tasks:list", self.prefix)
    }

    pub(super) fn dead(&self) -> String {
        format!("{}:dead", self.prefix)
    }

    /// Who listens to the channel.
    pub(super) fn leader(&self) -> String {
        format!("{}:tasks:leader", self.prefix)
    }

    /// What a consumer has taken from the list and not finished.
    pub(super) fn taken(&self, consumer: &str) -> String {
        self.beside_list(&format!("taken:{consumer}"))
    }

    /// Runs out when the consumer no longer lives.
    pub(super) fn lease(&self, consumer: &str) -> String {
        self.beside_list(&format!("lease:{consumer}"))
    }

    /// The set of those who may have taken something from the list.
    pub(super) fn consumers(&self) -> String {
        self.beside_list("consumers")
    }

    /// Which stamps those messages of the list have that were given back.
    pub(super) fn stamps(&self) -> String {
        self.beside_list("stamps")
    }

    /// A key in the list's slot. The prefix holds no brace, so the first pair is this one.
    fn beside_list(&self, part: &str) -> String {
        format!("{}:{{{}}}:{part}", self.prefix, self.list())
    }
}

#[cfg(test)]
mod tests {
    //! That what a script touches together is in one slot.

    use fred::types::Key;

    use super::*;

    #[test]
    fn what_stands_beside_the_list_is_in_its_slot() {
        let keys = Keys::new("carillon");
        let slot = |key: String| Key::from(key).cluster_hash();
        let list = slot(keys.list());
        for consumer in ["pod-1", "a}b", "{x}", "}"] {
            assert_eq!(slot(keys.taken(consumer)), list, "{consumer}");
            assert_eq!(slot(keys.lease(consumer)), list, "{consumer}");
        }
        assert_eq!([slot(keys.consumers()), slot(keys.stamps())], [list, list]);
    }
}
