//! What clients say, while their Redis goes and comes back.

use serde_json::json;
use tokio::time::timeout;

use crate::{
    page::{DEADLINE, Page},
    process::Process,
    redis::LASTING,
    server::Server,
};

/// A page that says one thing after the other, and knows what was acknowledged.
struct Speaker {
    page: Page,
    said: u32,
    refused: u32,
    /// Each by its id in the stream.
    acknowledged: Vec<(String, u32)>,
}

impl Speaker {
    async fn say(&mut self) {
        self.said += 1;
        let event = json!({ "event": "message", "args": [self.said], "ack": self.said });
        self.page.send(&event).await;
        let answer = loop {
            let message = self.page.next().await;
            if message["ack"] == self.said {
                break message["args"][0].clone();
            }
        };
        if let Some(id) = answer["id"].as_str() {
            self.acknowledged.push((id.to_owned(), self.said));
            return;
        }
        assert_eq!(answer["error"]["code"], "unavailable", "{answer}");
        self.refused += 1;
    }

    async fn say_until(&mut self, enough: impl Fn(&Self) -> bool) {
        let saying = async {
            while !enough(self) {
                self.say().await;
            }
        };
        timeout(DEADLINE, saying).await.expect("it comes to that in time");
    }
}

#[tokio::test]
async fn what_was_acknowledged_to_a_client_is_kept_and_its_socket_stays() {
    let mut redis = Server::start(&LASTING).await;
    let url = redis.url();
    let settings = [("redis.url", &*url), ("uplink.stream", "uplink")];
    let more = [("limits.events_per_second", "100000"), ("uplink.lifecycle", "true")];
    let node = Process::start(&[settings, more].concat()).await;
    let page = Page::open(&node.public, "namespace=/notice&user=5").await;
    let mut speaker = Speaker { page, said: 0, refused: 0, acknowledged: Vec::new() };
    speaker.say_until(|it| it.acknowledged.len() >= 50).await;
    redis.stop();
    speaker.say_until(|it| it.refused >= 50).await;
    node.has_said("redis does not answer").await;
    redis.start_again().await;
    speaker.say_until(|it| it.acknowledged.len() >= 100).await;
    for (id, said) in &speaker.acknowledged {
        let entry = redis.say(&format!("XRANGE carillon:uplink {id} {id}")).await;
        assert!(entry.contains(&format!("[{said}]")), "{said} was acknowledged: {entry}");
    }
    node.stop().await;
    let last = redis.say("XREVRANGE carillon:uplink + - COUNT 1").await;
    assert!(last.contains("disconnect") && last.contains("drain"), "{last}");
}
