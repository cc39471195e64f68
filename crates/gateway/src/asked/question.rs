//! One question, as it goes between nodes and as each kind of client reads it.
//!
//! Between nodes it is a Socket.IO event packet whose namespace says the whole audience; a question
//! without an event name, for one socket, has `null` in the name's place. One that is narrowed has an
//! object there, which a release that does not know it does not take for a question.

use std::{collections::VecDeque, ops::BitOr, sync::Arc};

use bytes::Bytes;
use notice::{Audience, Draft, EventName, Narrowing};
use serde_json::value::RawValue;
use socketioxide_core::{
    Str, Value,
    packet::{Packet, PacketData},
};

use super::narrowed::Narrowed;
use crate::{
    encoded::Encoded,
    engine::Dialect,
    forms::{ByDialect, attached, quoted, streamed},
    seat::Seat,
};

/// What is asked, and whom.
pub(crate) struct Question {
    pub(crate) audience: Audience,
    pub(crate) narrowing: Option<Arc<Narrowing>>,
    /// `None`: each socket is asked by its own id.
    event: Option<EventName>,
    /// The arguments' JSON texts joined by commas.
    args: String,
    attachments: Vec<Bytes>,
}

impl Question {
    pub(crate) fn of(draft: Draft) -> Self {
        let Draft { audience, narrowing, event, payload, .. } = draft;
        let attachments = payload.attachments().to_vec();
        Self { audience, narrowing, event, args: payload.args().to_owned(), attachments }
    }

    /// As it goes to the other nodes.
    pub(crate) fn packet(&self) -> Packet {
        let event = self.event.as_ref().map_or("null".into(), |event| quoted(event.as_str()));
        let event = match &self.narrowing {
            Some(narrowing) => Narrowed::of(self.event.as_ref(), narrowing).written(),
            None => event,
        };
        let namespace = Str::from(self.audience.to_string());
        packet(namespace, &event, &self.args, &self.attachments)
    }

    /// As it came from another node. `None`: it is no question.
    pub(crate) fn read(packet: Packet) -> Option<Self> {
        let (PacketData::Event(data, _) | PacketData::BinaryEvent(data, _)) = packet.inner else {
            return None;
        };
        let Value::Str(json, attachments) = data else { return None };
        let parts: Vec<&RawValue> = serde_json::from_str(json.as_str()).ok()?;
        let (event, args) = parts.split_first()?;
        let (event, narrowing) = match serde_json::from_str(event.get()) {
            Ok(event) => (event, None),
            Err(_) => Narrowed::read(event)?,
        };
        Some(Self {
            audience: packet.ns.as_str().parse().ok()?,
            narrowing: narrowing.map(Arc::new),
            event: event.map(|name| EventName::new(&name)).transpose().ok()?,
            args: args.iter().map(|arg| arg.get()).collect::<Vec<_>>().join(","),
            attachments: attachments.map(Vec::from).unwrap_or_default(),
        })
    }
}

/// A question on its way to the members of one node, encoded when the first of a kind needs it: one
/// number serves all members, so they share the frames.
pub(crate) struct Frames<'a> {
    question: &'a Question,
    number: i64,
    shared: ByDialect,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(question: &'a Question, number: i64) -> Self {
        Self { question, number, shared: ByDialect::default() }
    }

    /// Puts the question to `seat`. `false`: it cannot answer, for it has left or only listens.
    pub(crate) fn put_to(&self, seat: &Seat) -> bool {
        let session = &seat.session;
        let send = |encoded: &Arc<Encoded>| session.send(encoded).is_some();
        let is_sent = if let Some(event) = &self.question.event {
            let encode = || self.encode(session.dialect, event.as_str());
            send(self.shared.get(session.dialect, encode))
        } else {
            let names = seat.own_names().into_iter();
            names.map(|name| send(&self.encode(session.dialect, name))).fold(false, BitOr::bitor)
        };
        is_sent && session.dialect != Dialect::EventStream
    }

    fn encode(&self, dialect: Dialect, event: &str) -> Arc<Encoded> {
        let Question { audience, args, attachments, .. } = self.question;
        match dialect {
            Dialect::Engine3 { .. } | Dialect::Engine4 => {
                let namespace = Str::copy_from_slice(audience.namespace.as_str());
                let mut packet = packet(namespace, &quoted(event), args, attachments);
                packet.inner.set_ack_id(self.number);
                Encoded::packet(packet)
            }
            Dialect::PlainWebSocket => {
                let ack = format!(",\"ack\":{}", self.number);
                Encoded::text_only(&plain(event, args, attachments, &ack))
            }
            // It cannot answer, so it gets the event alone.
            Dialect::EventStream => {
                Encoded::text_only(&streamed(&plain(event, args, attachments, "")))
            }
        }
    }
}

fn plain(event: &str, args: &str, attachments: &[Bytes], more: &str) -> String {
    let (event, attached) = (quoted(event), attached(attachments));
    format!("{{\"event\":{event},\"args\":[{args}]{attached}{more}}}")
}

fn packet(namespace: Str, event: &str, args: &str, attachments: &[Bytes]) -> Packet {
    let comma = if args.is_empty() { "" } else { "," };
    let json = format!("[{event}{comma}{args}]");
    let attachments: Option<VecDeque<Bytes>> =
        (!attachments.is_empty()).then(|| attachments.iter().cloned().collect());
    Packet::event(namespace, Value::Str(json.into(), attachments))
}

#[cfg(test)]
mod tests {
    //! What survives the way between nodes.

    use notice::{Namespace, Scope, UserId};

    use super::*;

    fn question(event: Option<&str>, args: &str, attachments: Vec<Bytes>) -> Question {
        let scope = Scope::User(UserId::new("a@b,c").unwrap());
        let audience = Audience { namespace: Namespace::notice(), scope };
        let event = event.map(|name| EventName::new(name).unwrap());
        let (narrowing, args) = (None, args.to_owned());
        Question { audience, narrowing, event, args, attachments }
    }

    #[test]
    fn a_question_reads_back_as_it_was_asked() {
        for (event, args) in
            [(Some("are.you"), "{ \"a\":1.0 },\"é\""), (Some("x"), ""), (None, "1")]
        {
            let asked = question(event, args, Vec::new());
            let read = Question::read(asked.packet()).unwrap();
            assert_eq!(read.audience, asked.audience);
            assert_eq!(read.event, asked.event);
            assert_eq!(read.args, args);
        }
    }

    #[test]
    fn attachments_come_along() {
        let data = Bytes::from_static(b"\x01\xff");
        let args = "{\"_placeholder\":true,\"num\":0}";
        let read = Question::read(question(Some("x"), args, vec![data.clone()]).packet()).unwrap();
        assert_eq!(read.attachments, [data]);
    }

    #[test]
    fn a_narrowed_question_reads_back_and_is_none_to_who_expects_a_name() {
        let room = |name| notice::Room::new(name).unwrap();
        let narrowing = Narrowing {
            rooms: vec![room("a"), room("b")],
            except_rooms: vec![room("c")],
            except_sockets: vec![notice::SocketId::new("/notice#d").unwrap()],
            ..Narrowing::default()
        };
        let narrowing = Some(Arc::new(narrowing));
        let asked = Question { narrowing, ..question(Some("x"), "1", Vec::new()) };
        let read = Question::read(asked.packet()).unwrap();
        assert_eq!((read.narrowing, read.event), (asked.narrowing.clone(), asked.event.clone()));
        let PacketData::Event(Value::Str(json, _), _) = asked.packet().inner else {
            panic!("it is an event")
        };
        assert!(json.as_str().starts_with("[{"), "{json}");
    }

    #[test]
    fn what_is_no_question_is_refused() {
        let data = |json: &str| Value::Str(json.to_owned().into(), None);
        assert!(Question::read(Packet::event("/notice", data("[\"x\"]"))).is_none());
        assert!(Question::read(Packet::event("user:5@/", data("[]"))).is_none());
        assert!(Question::read(Packet::event("user:5@/", data("[\"connect\"]"))).is_none());
        assert!(Question::read(Packet::event("user:5@/", data("[{\"age\":5}]"))).is_none());
        assert!(Question::read(Packet::disconnect("user:5@/")).is_none());
    }
}
