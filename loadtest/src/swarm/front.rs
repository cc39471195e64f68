//! What stands between clients and servers: which server the next newcomer goes to.

use std::net::SocketAddr;

/// The servers that take newcomers, by turns. Nothing is passed on: a client is told an address and goes there.
#[derive(Debug)]
pub(super) struct Front {
    servers: Vec<SocketAddr>,
    turn: usize,
}

impl Front {
    pub(super) fn of(server: SocketAddr) -> Self {
        Self { servers: vec![server], turn: 0 }
    }

    /// Sends newcomers to these from now on.
    pub(super) fn serve(&mut self, servers: Vec<SocketAddr>) {
        self.servers = servers;
    }

    /// The next one's turn. None where there is no server.
    pub(super) fn pick(&mut self) -> Option<SocketAddr> {
        let turn = self.turn;
        self.turn = turn.wrapping_add(1);
        let len = self.servers.len();
        self.servers.get(turn.checked_rem(len)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_have_newcomers_by_turns_and_none_has_none() {
        let [a, b] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let mut front = Front::of(a);
        front.serve(vec![a, b]);
        assert_eq!([front.pick(), front.pick(), front.pick()], [Some(a), Some(b), Some(a)]);
        front.serve(Vec::new());
        assert_eq!(front.pick(), None);
    }
}
