//! Somebody who logs in to rooms, and is listened to all the time.

use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::page::{DEADLINE, Page};

/// What may wait to be said, and to be read.
const WAITING_MAX: usize = 64;

/// A plain client of `/`.
pub(crate) struct Guest {
    pub(crate) node: usize,
    to_say: mpsc::Sender<Value>,
    told: mpsc::Receiver<Told>,
    living: JoinSet<Page>,
}

/// A `downmsg`, and when it came.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: String,
    pub(crate) at: Instant,
}

impl Guest {
    pub(crate) async fn of(public: &str, node: usize) -> Self {
        let page = Page::open(public, "namespace=/").await;
        let (to_say, saying) = mpsc::channel(WAITING_MAX);
        let (telling, told) = mpsc::channel(WAITING_MAX);
        let mut living = JoinSet::new();
        living.spawn(live(page, saying, telling));
        let mut guest = Self { node, to_say, told, living };
        assert_eq!(guest.told().await.code, "2001");
        guest
    }

    pub(crate) async fn log_in(&self, room: &str, kind: &str) {
        self.say("loginRoom", json!([room, kind])).await;
    }

    pub(crate) async fn leave(&self, room: &str) {
        self.say("leaveRoom", json!([room])).await;
    }

    async fn say(&self, event: &str, args: Value) {
        let said = self.to_say.send(json!({ "event": event, "args": args })).await;
        said.expect("its node lives");
    }

    /// What it is told next, which must come.
    pub(crate) async fn told(&mut self) -> Told {
        let told = timeout(DEADLINE, self.told.recv()).await.expect("it is told in time");
        told.expect("its node lives")
    }

    /// What else it has been told.
    pub(crate) fn rest(&mut self) -> impl Iterator<Item = Told> {
        std::iter::from_fn(|| self.told.try_recv().ok())
    }

    /// It neither reads nor answers any more, and its connection stays for as long as what this returns.
    pub(crate) async fn fall_silent(mut self) -> Page {
        drop(self.to_say);
        self.living.join_next().await.expect("it lives").expect("it lived well")
    }
}

/// Reads and speaks until its guest falls silent or its node is gone.
async fn live(
    mut page: Page,
    mut saying: mpsc::Receiver<Value>,
    telling: mpsc::Sender<Told>,
) -> Page {
    loop {
        tokio::select! {
            said = saying.recv() => match said {
                Some(message) => page.send(&message).await,
                None => return page,
            },
            heard = page.try_next() => match heard {
                Some(message) => {
                    let code = message["args"][0]["code"].as_str().unwrap().to_owned();
                    let told = Told { code, at: Instant::now() };
                    telling.send(told).await.expect("its guest reads what it is told");
                }
                None => return page,
            },
        }
    }
}
