//! What is ordered to be done with sockets of this node, by its own API or by another node: one order after
//! the other, in a queue of their own, so that a long one delays no other answer.
//!
//! Promise: an order that was begun is carried out, whether its giver still waits or not.

use adapter::Request;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    deeds,
    events::Ordered,
    questions::{self, Answer, Done, Order},
    shared::Shared,
};

/// Orders that wait. One more is refused as busy.
const ORDERS_LEN_MAX: usize = 64;

/// Where orders are given.
#[derive(Debug)]
pub(crate) struct Orders {
    queue: mpsc::Sender<Given>,
}

/// The orders that wait.
#[derive(Debug)]
pub(crate) struct Waiting {
    queue: mpsc::Receiver<Given>,
}

#[derive(Debug)]
struct Given {
    order: Order,
    by: Giver,
}

/// Who gave an order, and waits for the answer.
#[derive(Debug)]
pub(crate) enum Giver {
    Api(oneshot::Sender<Answer>),
    Node(Request),
}

impl Orders {
    pub(crate) fn open() -> (Self, Waiting) {
        let (sender, queue) = mpsc::channel(ORDERS_LEN_MAX);
        (Self { queue: sender }, Waiting { queue })
    }

    /// Gives an order of this node's own API, and waits until it was carried out or refused.
    pub(crate) async fn carry_out(&self, shared: &Shared, order: Order) -> Answer {
        let (sender, answer) = oneshot::channel();
        self.give(shared, Given { order, by: Giver::Api(sender) }).await;
        // Forgotten in the queue, because the node stops.
        answer.await.unwrap_or(Answer::Busy)
    }

    /// Takes an order of another node, which is answered in its turn.
    pub(crate) async fn take(&self, shared: &Shared, order: Order, request: Request) {
        self.give(shared, Given { order, by: Giver::Node(request) }).await;
    }

    async fn give(&self, shared: &Shared, given: Given) {
        if let Err(refused) = self.queue.try_send(given) {
            refused.into_inner().settle(shared, Answer::Busy).await;
        }
    }
}

impl Waiting {
    /// Carries out what is ordered until `stop`, and ends what it has begun.
    pub(crate) async fn carry_out(mut self, shared: &Shared, stop: CancellationToken) {
        loop {
            let given = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                given = self.queue.recv() => given,
            };
            let Some(given) = given else { return };
            if given.is_awaited() {
                let answer = deeds::carry_out(shared, &given.order).await;
                given.settle(shared, answer).await;
            } else {
                shared.events.ordered(&given.order.deed, Ordered::Late);
            }
        }
    }
}

impl Given {
    /// Whether somebody still wants to know. What nobody waits for was given again, or given up.
    fn is_awaited(&self) -> bool {
        match &self.by {
            Giver::Api(sender) => !sender.is_closed(),
            Giver::Node(request) => !request.patience().is_zero(),
        }
    }

    async fn settle(self, shared: &Shared, answer: Answer) {
        shared.events.ordered(&self.order.deed, outcome(&answer));
        self.by.answer(answer).await;
    }
}

impl Giver {
    pub(crate) async fn answer(self, answer: Answer) {
        match self {
            // Whoever asked may have gone meanwhile.
            Self::Api(sender) => drop(sender.send(answer)),
            Self::Node(request) => request.answer(questions::seal(&answer)).await,
        }
    }
}

fn outcome(answer: &Answer) -> Ordered {
    match answer {
        Answer::Done(Done { full: 0, .. }) => Ordered::Done,
        Answer::Done(_) => Ordered::Full,
        Answer::NotHere => Ordered::NotHere,
        Answer::Unable => Ordered::Unable,
        Answer::Busy => Ordered::Busy,
        _ => Ordered::Unknown,
    }
}
