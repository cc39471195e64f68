//! What nodes of one process say to each other.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use notice::NodeId;
use parking_lot::Mutex;
use tokio::sync::{
    Semaphore,
    mpsc::{self, error::TrySendError},
};
use tokio_util::sync::CancellationToken;

use crate::{
    asking::{Asked, Replies, Said},
    error::SignalError,
    limits::QUESTIONS_MAX,
    nodes::{Answers, Living},
    requests::{Request, Requests},
    signals::Watch,
    traffic::Traffic,
    watchers::Watchers,
};

/// Every node on the bus.
#[derive(Debug)]
pub(crate) struct Exchange {
    places: Mutex<Vec<Arc<Place>>>,
    traffic: Traffic,
}

/// One node, as the others know it.
#[derive(Debug)]
pub(crate) struct Place {
    node: NodeId,
    gone: CancellationToken,
    watchers: Arc<Watchers>,
    requests: mpsc::Sender<Request>,
    about: Mutex<Bytes>,
    /// One for each question of this node that is under way.
    questions: Semaphore,
}

// === impl Exchange ===

impl Exchange {
    pub(super) fn new(traffic: Traffic) -> Arc<Self> {
        Arc::new(Self { places: Mutex::default(), traffic })
    }

    /// Puts one more node on the list until it is gone.
    pub(super) fn enter(&self, node: NodeId, gone: CancellationToken) -> (Arc<Place>, Requests) {
        let (sender, requests) = Requests::open(gone.clone());
        let watchers = Watchers::in_memory(self.traffic.clone());
        let (about, questions) = (Mutex::default(), Semaphore::new(QUESTIONS_MAX));
        let place = Place { node, gone, watchers, requests: sender, about, questions };
        let place = Arc::new(place);
        self.places.lock().push(Arc::clone(&place));
        self.places();
        (place, requests)
    }

    /// Those who are not gone.
    fn places(&self) -> Vec<Arc<Place>> {
        let mut places = self.places.lock();
        places.retain(|place| {
            if place.gone.is_cancelled() {
                place.watchers.close_all();
            }
            !place.gone.is_cancelled()
        });
        self.traffic.living(places.len());
        places.clone()
    }

    pub(crate) fn living(&self) -> Vec<Living> {
        let living = |place: Arc<Place>| Living {
            node: place.node.clone(),
            about: place.about.lock().clone(),
        };
        self.places().into_iter().map(living).collect()
    }

    pub(crate) fn send(&self, channel: &str, bytes: &Bytes) -> usize {
        let heard = |place: &Arc<Place>| place.watchers.hand_out(channel, bytes);
        self.places().iter().filter(|place| heard(place)).count()
    }

    pub(crate) fn listeners(&self, channel: &str) -> usize {
        self.places().iter().filter(|place| place.watchers.has(channel)).count()
    }

    pub(crate) async fn ask_all(
        &self,
        asker: &Place,
        question: &Bytes,
        wait: Duration,
    ) -> Result<Answers, SignalError> {
        let mut others = self.places();
        others.retain(|place| place.node != asker.node);
        self.ask_each(asker, &others, question, wait).await
    }

    pub(crate) async fn ask(
        &self,
        asker: &Place,
        node: &NodeId,
        question: &Bytes,
        wait: Duration,
    ) -> Result<Answers, SignalError> {
        let mut places = self.places();
        places.retain(|place| place.node == *node);
        self.ask_each(asker, &places, question, wait).await
    }

    async fn ask_each(
        &self,
        asker: &Place,
        places: &[Arc<Place>],
        question: &Bytes,
        wait: Duration,
    ) -> Result<Answers, SignalError> {
        let full = |_| SignalError::Full { what: "questions", len_max: QUESTIONS_MAX };
        let _question = asker.questions.try_acquire().map_err(full)?;
        let (sender, replies) = mpsc::channel(places.len().max(1));
        let open = Asked::until(replies, wait);
        for place in places {
            let (from, to, sender) = (&asker.node, &place.node, sender.clone());
            let request =
                Request::of_embedded((from, to), question.clone(), open.until, sender.clone());
            place.take(request, &sender);
        }
        drop(sender);
        let nodes = places.iter().map(|place| (place.node.clone(), true)).collect();
        Ok(open.gather(nodes, &self.traffic).await)
    }
}

// === impl Place ===

impl Place {
    pub(crate) fn announce(&self, about: Bytes) {
        *self.about.lock() = about;
    }

    pub(crate) fn watch(&self, channel: &str, len_max: usize) -> Result<Watch, SignalError> {
        self.watchers.open(channel, len_max)
    }

    fn take(&self, request: Request, replies: &Replies) {
        let said = match self.requests.try_send(request) {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => Said::Busy,
            Err(TrySendError::Closed(_)) => Said::Deaf,
        };
        // There is a place for everyone who is asked.
        replies.try_send((self.node.clone(), said)).ok();
    }
}
