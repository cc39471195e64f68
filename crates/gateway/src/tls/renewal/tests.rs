//! What becomes of files that change under a running gateway.

use std::fs;

use prometheus::Registry;

use super::*;
use crate::tls::papers::Papers;

struct Watched {
    papers: Papers,
    renewal: Renewal,
    events: Events,
    registry: Registry,
    told: Told,
}

impl Watched {
    fn new() -> Self {
        let papers = Papers::new();
        papers.issue("other", &["-days", "50"]);
        fs::copy(papers.path("first.pem"), papers.path("tls.pem")).unwrap();
        fs::copy(papers.path("first.key"), papers.path("tls.key")).unwrap();
        let identity = Identity::read(&papers.path("tls.pem"), &papers.path("tls.key")).unwrap();
        let registry = Registry::new();
        let events = Events::new("public", &registry).unwrap();
        let told = Told::default();
        Self { papers, renewal: Renewal::new(identity), events, registry, told }
    }

    fn copy(&self, from: &str, to: &str) {
        fs::copy(self.papers.path(from), self.papers.path(to)).unwrap();
    }

    async fn look(&mut self) -> Vec<u8> {
        self.renewal.look(&self.events, &mut self.told).await;
        self.renewal.0.lock().shown.cert[0].to_vec()
    }

    fn readings(&self, outcome: &str) -> f64 {
        let all = self.registry.gather();
        let readings =
            all.iter().find(|it| it.name() == "carillon_tls_certificate_readings_total").unwrap();
        let of = |it: &&prometheus::proto::Metric| it.get_label()[0].value() == outcome;
        readings.get_metric().iter().find(of).unwrap().get_counter().get_value()
    }
}

#[tokio::test]
async fn a_newer_pair_is_shown_from_the_next_look_on() {
    let mut watched = Watched::new();
    let before = watched.look().await;
    watched.copy("other.pem", "tls.pem");
    watched.copy("other.key", "tls.key");
    assert_ne!(watched.look().await, before);
    assert!((watched.readings("taken") - 1.0).abs() < 0.1);
    watched.look().await;
    assert!((watched.readings("taken") - 1.0).abs() < 0.1);
}

#[tokio::test]
async fn a_bad_pair_leaves_the_old_one_and_is_told_once() {
    let mut watched = Watched::new();
    let before = watched.look().await;
    watched.copy("other.pem", "tls.pem");
    for _ in 0..3 {
        assert_eq!(watched.look().await, before);
    }
    assert!((watched.readings("refused") - 1.0).abs() < 0.1);
    watched.copy("other.key", "tls.key");
    assert_ne!(watched.look().await, before);
}
