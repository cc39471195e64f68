//! What is left of a seat whose client has come back elsewhere: its old connection, of which nobody knows yet that
//! it is dead.

use std::sync::Arc;

use adapter::{HeldSeat, Holder};
use notice::{Namespace, SocketId};

use super::Trail;
use crate::{departure::Departure, others, questions::Question, shared::Shared};

/// Lets the old connection go, on this node at once, on another one as soon as it hears of it.
pub(crate) fn put_out_ghost(shared: &Arc<Shared>, held_by: &Holder, seat: &HeldSeat) {
    let Holder { node, number } = held_by;
    let HeldSeat { socket, namespace, .. } = seat;
    if *node == shared.config.node {
        let_go(shared, namespace, socket, *number);
        return;
    }
    let (asking, node) = (Arc::clone(shared), node.clone());
    let (namespace, socket, number) = (namespace.to_string(), socket.to_string(), *number);
    let question = Question::Resumed { namespace, socket, number };
    shared.tasks.spawn(async move {
        // A node that is gone has no ghosts; one that cannot be asked finds out by itself.
        if let Err(error) = others::ask(&asking, &node, &question).await {
            asking.events.apart(&error);
        }
    });
}

/// The same, asked for by another node. Whether there was one: its client may have come back here meanwhile, and sits
/// in another seat under this id.
pub(crate) fn let_go(
    shared: &Shared,
    namespace: &Namespace,
    socket: &SocketId,
    number: u64,
) -> bool {
    let is_ghost = |trail: &Trail| trail.holder.number == number;
    let ghost = shared.hub.socket(namespace, socket);
    let ghost = ghost.filter(|seat| seat.trail.as_deref().is_some_and(is_ghost));
    if let Some(ghost) = &ghost {
        ghost.session.close(Departure::Client);
    }
    ghost.is_some()
}
