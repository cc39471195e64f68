//! Emits that want an answer: the question goes to every member on every node, and what each says to it
//! comes back to the one who asked.
//!
//! What is delivered goes by the bus; what is asked goes by socketioxide-redis. There, a whole node
//! stands as one socket: it is asked as such, finds the members in its own hub, and its answers are
//! reports of theirs. So nothing of the hub is mirrored, and a socket that is never asked costs nothing.
//!
//! May enter: a question, its audience, the acknowledgements of clients.
//! May not enter: transports, HTTP, and anything that wants no answer.
//!
//! Promise: this node's members are asked at once, whatever the other nodes do; no question outlives
//! its time limit; what is not answered is counted.

mod answer;
mod cluster;
mod members;
mod narrowed;
mod question;
mod report;
mod tally;
mod waiters;

pub(crate) use self::{
    answer::take,
    cluster::{Cluster, Reach},
    question::Question,
    report::Refused,
    tally::{Ack, Tally, Unasked},
    waiters::Waiters,
};
