//! What comes back of a question to other nodes, and how long that is waited for. Alike on every bus.

use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use notice::NodeId;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use crate::{limits::ANSWERS_BYTES_MAX, nodes::Answers, traffic::Traffic};

/// A question's way back.
pub(crate) type Replies = mpsc::Sender<(NodeId, Said)>;

/// What one node says to one question.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Answer(Bytes),
    /// It has more questions waiting than it takes.
    Busy,
    /// It has an answer, larger than one may be.
    TooLarge,
    /// It takes no questions at all, so nothing of it is missing.
    Deaf,
}

/// A question under way.
pub(crate) struct Asked {
    pub(crate) replies: mpsc::Receiver<(NodeId, Said)>,
    pub(crate) until: Instant,
}

impl Asked {
    pub(crate) fn until(replies: mpsc::Receiver<(NodeId, Said)>, wait: Duration) -> Self {
        Self { replies, until: Instant::now() + wait }
    }

    /// Waits until every one of `nodes` has said something, but not past the time. The second half of a
    /// pair is whether the node heard the question; for one that did not nobody waits.
    pub(crate) async fn gather(mut self, nodes: Vec<(NodeId, bool)>, traffic: &Traffic) -> Answers {
        let (heard, unheard): (Vec<_>, Vec<_>) = nodes.into_iter().partition(|(_, heard)| *heard);
        let mut missing: Vec<_> = unheard.into_iter().map(|(node, _)| node).collect();
        for node in &missing {
            traffic.unheard(node);
        }
        let mut awaited: HashSet<_> = heard.into_iter().map(|(node, _)| node).collect();
        let (mut answers, mut len_bytes) = (Vec::new(), 0);
        while !awaited.is_empty()
            && let Ok(Some((node, said))) = timeout_at(self.until, self.replies.recv()).await
        {
            if !awaited.remove(&node) {
                continue;
            }
            traffic.said(&node, &said);
            match said {
                Said::Answer(answer) if len_bytes + answer.len() <= ANSWERS_BYTES_MAX => {
                    len_bytes += answer.len();
                    answers.push((node, answer));
                }
                Said::Answer(_) | Said::Busy | Said::TooLarge => missing.push(node),
                Said::Deaf => {}
            }
        }
        for node in &awaited {
            traffic.no_answer(node);
        }
        missing.extend(awaited);
        missing.sort_unstable();
        answers.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Answers { answers, missing }
    }
}
