//! What is left of a seat whose client has come back elsewhere: its old connection, of which nobody knows yet that
//! it is dead.

use std::sync::Arc;

use adapter::HeldSeat;
use notice::{Namespace, NodeId, SocketId};

use crate::{departure::Departure, others, questions::Question, shared::Shared};

/// Lets the old connection go, on this node at once, on another one as soon as it hears of it.
pub(crate) fn put_out_ghost(shared: &Arc<Shared>, node: &NodeId, seat: &HeldSeat) {
    let HeldSeat { socket, namespace, .. } = seat;
    if *node == shared.config.node {
        let_go(shared, namespace, socket);
        return;
    }
    let (asking, node) = (Arc::clone(shared), node.clone());
    let question =
        Question::Resumed { namespace: namespace.to_string(), socket: socket.to_string() };
    shared.tasks.spawn(async move {
        // A node that is gone has no ghosts; one that cannot be asked finds out by itself.
        if let Err(error) = others::ask(&asking, &node, &question).await {
            asking.events.apart(&error);
        }
    });
}

/// The same, asked for by another node. Whether there was one.
pub(crate) fn let_go(shared: &Shared, namespace: &Namespace, socket: &SocketId) -> bool {
    let ghost = shared.hub.socket(namespace, socket);
    if let Some(ghost) = &ghost {
        ghost.session.close(Departure::Client);
    }
    ghost.is_some()
}
