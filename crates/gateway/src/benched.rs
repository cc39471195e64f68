//! What the benchmarks take hold of: one notice's form, and a crowd to hand notices to. No part of the gateway
//! as others use it.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use notice::{Audience, Cursor, Notice};

use crate::{
    Gateway,
    engine::{Dialect, Session, Transport},
    forms::Forms,
    seat::Seat,
    shared::Shared,
};

/// The bytes of `notice` as a WebSocket of Engine.IO 4 gets it.
pub fn frame(notice: &Arc<Notice>) -> usize {
    let forms = Forms::new(Arc::clone(notice), false);
    forms.frame(Dialect::Engine4).map_or(0, |(encoded, _)| encoded.len_bytes())
}

/// Members of one audience whose clients poll, so that nothing of what they get is written.
#[derive(Debug)]
pub struct Crowd {
    shared: Arc<Shared>,
    seats: Vec<Arc<Seat>>,
}

impl Crowd {
    pub fn of(gateway: &Gateway, audience: &Audience, len: usize) -> Self {
        let shared = gateway.shared();
        let seat = |_| {
            let (id, address) = (shared.ids.session(), IpAddr::V4(Ipv4Addr::LOCALHOST));
            let (dialect, transport) = (Dialect::Engine4, Transport::Polling);
            let session = Session::new(shared, id, dialect, transport, None, address);
            let namespace = audience.namespace.clone();
            let seat = Seat::new(&session, namespace, None, Cursor::default(), None, None);
            shared.hub.join(&seat, audience);
            seat.go_live();
            seat
        };
        Self { seats: (0..len).map(seat).collect(), shared: Arc::clone(shared) }
    }

    /// Hands out notices of its audience, those together that may go so. Says how many seats took the last.
    pub async fn hear(&self, notices: &[Arc<Notice>]) -> usize {
        let Some((first, others)) = notices.split_first() else { return 0 };
        let (hub, events) = (&self.shared.hub, &self.shared.events);
        let mut fan_out = hub.fan_out(first);
        for notice in others {
            if !fan_out.join(notice, hub) {
                fan_out.run(events).await;
                fan_out = hub.fan_out(notice);
            }
        }
        fan_out.run(events).await;
        fan_out.taken()
    }

    /// Takes away what waits for them.
    pub fn forget(&self) {
        for seat in &self.seats {
            seat.session.forget_queued();
        }
    }
}
