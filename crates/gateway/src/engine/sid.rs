//! Session and socket ids: which node made them, and enough secret bits that none is guessed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use notice::{NodeId, SocketId};
use rand::Rng as _;

/// How many characters name the node.
const TAG_LEN: usize = 6;

/// Makes ids for one node. Each begins with the node's tag, so that another node can tell whose it is
/// without asking a store.
#[derive(Debug)]
pub(crate) struct Ids {
    tag: String,
}

/// An Engine.IO session's id. Whoever knows it can read and write the session by polling, so it is
/// never logged. On Engine.IO 3 it is `socket.id` too, as those clients have it.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(crate) struct SessionId(Box<str>);

impl Ids {
    pub(crate) fn of(node: &NodeId) -> Self {
        Self { tag: Self::tag_of(node) }
    }

    /// 6 characters of node tag and 22 of 128 random bits.
    pub(crate) fn session(&self) -> SessionId {
        let mut secret = [0; 16];
        rand::rng().fill_bytes(&mut secret);
        SessionId(format!("{}{}", self.tag, URL_SAFE_NO_PAD.encode(secret)).into_boxed_str())
    }

    /// 6 characters of node tag and 16 of 96 random bits. Public: it opens nothing.
    pub(crate) fn socket(&self) -> SocketId {
        let mut bits = [0; 12];
        rand::rng().fill_bytes(&mut bits);
        let text = format!("{}{}", self.tag, URL_SAFE_NO_PAD.encode(bits));
        SocketId::new(&text).expect("22 characters of base64 are a name")
    }
}

impl Ids {
    /// Whether `id`, as its client knows it, was made by `node`.
    pub(crate) fn is_of(node: &NodeId, id: &SocketId) -> bool {
        let bare = id.as_str().rsplit_once('#').map_or(id.as_str(), |(_, bare)| bare);
        bare.starts_with(&Self::tag_of(node))
    }

    /// What the id of a session begins with.
    pub(crate) fn tag(id: &str) -> Option<&str> {
        id.get(..TAG_LEN)
    }

    /// Whether this node made the id.
    pub(super) fn made(&self, id: &str) -> bool {
        Self::tag(id) == Some(&self.tag)
    }

    /// FNV-1a (Fowler, Noll, Vo) over the node's name, as base64.
    pub(crate) fn tag_of(node: &NodeId) -> String {
        let hash = node.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut tag = URL_SAFE_NO_PAD.encode(hash.to_be_bytes());
        tag.truncate(TAG_LEN);
        tag
    }
}

impl SessionId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionId(…)")
    }
}

impl std::borrow::Borrow<str> for SessionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use notice::{NodeId, SocketId};

    use super::Ids;

    #[test]
    fn ids_of_one_node_share_its_tag_and_nothing_else() {
        let ids = Ids::of(&NodeId::new("node-a").unwrap());
        let other = Ids::of(&NodeId::new("node-b").unwrap());
        let (a, b) = (ids.session(), ids.session());
        assert_eq!(a.as_str()[..6], b.as_str()[..6]);
        assert_ne!(a.as_str()[6..], b.as_str()[6..]);
        assert_ne!(a.as_str()[..6], other.session().as_str()[..6]);
        assert_eq!(ids.socket().as_str()[..6], a.as_str()[..6]);
    }

    #[test]
    fn the_node_of_an_id_is_told_in_every_form_that_a_client_knows() {
        let (node, other) = (NodeId::new("node-a").unwrap(), NodeId::new("node-b").unwrap());
        let ids = Ids::of(&node);
        let long = SocketId::new(&format!("/notice#{}", ids.session().as_str())).unwrap();
        for id in [ids.socket(), long] {
            assert!(Ids::is_of(&node, &id) && !Ids::is_of(&other, &id), "{id}");
        }
    }

    #[test]
    fn a_session_id_does_not_show_itself_in_logs() {
        let id = Ids::of(&NodeId::new("n").unwrap()).session();
        assert!(!format!("{id:?}").contains(id.as_str()));
    }
}
