//! Socket.IO packets from a client, one after the other.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use engineioxide_core::Str;
use serde_json::value::RawValue;
use socketioxide_core::{
    Value,
    packet::{Packet, PacketData},
    parser::ParseConfig,
};

use super::{
    admission::{Plea, admit, token_of},
    brought::Brought,
    connect::{connect, leave},
    event::{self, Call},
    identity::{Identity, Source},
    query::Query,
};
use crate::{
    asked,
    config::Conformance,
    departure::Departure,
    encoded::Encoded,
    engine::{Dialect, Session},
    events::{Dropped, Heard},
    forms::quoted,
    recovery::Claim,
    refusal::Refusal,
    seat::Seat,
};

/// Attachments of one packet that a client may send.
const ATTACHMENTS_MAX: usize = 64;

/// What a newcomer to `/` is told, as the event `downmsg`.
pub(crate) const CONNECT_SUCCESS: &str = r#"{"code":"2001","msg":"connect success"}"#;

/// One Engine.IO message.
#[derive(Debug)]
pub(crate) enum Message {
    Text(Str),
    Binary(Bytes),
}

/// What the session may expect without asking: an Engine.IO 3 client sits in `/` from the start.
pub(crate) async fn opened(session: &Arc<Session>) -> Result<(), Departure> {
    let speaks_socketio = session.shared.config.conformance != Some(Conformance::Engine);
    match session.dialect {
        Dialect::Engine3 { .. } if speaks_socketio => join(session, "/", None).await,
        _ => Ok(()),
    }
}

/// Takes one message. An error ends the session.
pub(crate) async fn take_in(session: &Arc<Session>, message: Message) -> Result<(), Departure> {
    if session.shared.config.conformance == Some(Conformance::Engine) {
        echo(session, message);
        return Ok(());
    }
    let config = ParseConfig {
        max_incoming_binary_buf_size: session.shared.config.limits.payload_bytes,
        max_incoming_binaries: ATTACHMENTS_MAX,
        packet_completion_timeout: Duration::from_secs(30),
    };
    let packet = match message {
        Message::Text(text) => session.partial.text(&config, text),
        Message::Binary(bytes) => session.partial.binary(&config, bytes),
    };
    match packet.map_err(|_| Departure::BadPacket)? {
        Some(packet) => take_packet(session, packet).await,
        None => Ok(()),
    }
}

async fn take_packet(session: &Arc<Session>, packet: Packet) -> Result<(), Departure> {
    let namespace = packet.ns.as_str();
    match packet.inner {
        PacketData::Connect(auth) => {
            let auth = auth.as_ref().and_then(Value::as_str).map(Str::as_str);
            join(session, namespace, auth).await
        }
        PacketData::Disconnect => {
            leave(session, namespace);
            Ok(())
        }
        PacketData::Event(args, ack) | PacketData::BinaryEvent(args, ack) => {
            let call = read_call(args).ok_or(Departure::BadPacket)?;
            match session.seats.find(namespace) {
                Some(seat) => answer(&seat, call, ack).await,
                None => session.shared.events.heard(Heard::Unseated),
            }
            Ok(())
        }
        PacketData::EventAck(args, number) | PacketData::BinaryAck(args, number) => {
            take_ack(session, namespace, number, args)
        }
        PacketData::ConnectError(_) => Err(Departure::BadPacket),
    }
}

fn take_ack(session: &Session, namespace: &str, number: i64, args: Value) -> Result<(), Departure> {
    let Value::Str(json, attachments) = args else { return Err(Departure::BadPacket) };
    let attachments = attachments.map(Vec::from).unwrap_or_default();
    let Some(seat) = session.seats.find(namespace) else {
        session.shared.events.dropped(Dropped::StrayAck);
        return Ok(());
    };
    asked::take(&seat, number, json.as_str(), &attachments).ok_or(Departure::BadPacket)
}

/// Seats the session in a namespace, or tells the client why not.
async fn join(session: &Arc<Session>, name: &str, auth: Option<&str>) -> Result<(), Departure> {
    let (namespace, query) = match (session.dialect, name.split_once('?')) {
        // Clients 1.5 to 2.x send the query on the namespace's name.
        (Dialect::Engine3 { .. }, Some((namespace, query))) => (namespace, query),
        _ => (name, ""),
    };
    let joined = async {
        let own = match session.dialect {
            Dialect::Engine3 { .. } => Source::query(Query::new(query)),
            _ => Source::auth(auth)?,
        };
        let brought = session.brought.as_deref();
        let transport = Source::query(brought.map(Brought::query).unwrap_or_default());
        let plea = Plea {
            namespace,
            identity: &Identity::of(&own, &transport)?,
            token: token_of(&own, &transport, brought),
            query: Query::new(query),
            auth,
            brought,
            address: session.address,
        };
        let admitted = admit(&session.shared, plea).await?;
        let claim = Claim::read(session, auth);
        connect(session, admitted, claim, |seat| welcome(seat, auth)).await
    };
    match joined.await {
        Ok(_seat) => Ok(()),
        Err(refusal) if !refusal.is_for_good() && refusal != Refusal::TooManySockets => {
            session.shared.events.refused(&refusal, session.address);
            Err(refusal.departure())
        }
        Err(refusal) => {
            refuse(session, namespace, &refusal);
            Ok(())
        }
    }
}

/// The answer to CONNECT, and what a newcomer to `/` is told.
fn welcome(seat: &Arc<Seat>, auth: Option<&str>) {
    let namespace = Str::copy_from_slice(seat.namespace.as_str());
    // Engine.IO 3 clients know their id already.
    let answer = (!seat.session.dialect.is_engine3()).then(|| {
        let pid = seat.trail.as_ref().and_then(|trail| trail.pid());
        let pid = pid.map(|pid| format!(",\"pid\":{}", quoted(pid))).unwrap_or_default();
        let json = format!("{{\"sid\":{}{pid}}}", quoted(seat.id.as_str()));
        Value::Str(json.into(), None)
    });
    seat.session.send(&Encoded::packet(Packet::connect(namespace, answer)));
    if seat.session.shared.config.conformance == Some(Conformance::Socket) {
        seat.tell("auth", auth.unwrap_or("{}"));
    } else if seat.namespace.is_root() {
        seat.tell("downmsg", CONNECT_SUCCESS);
    }
}

fn refuse(session: &Arc<Session>, namespace: &str, refusal: &Refusal) {
    let packet = if session.dialect.is_engine3() {
        // These clients hand the `error` listener what they get: a bare string.
        let namespace = if namespace == "/" { String::new() } else { format!("{namespace},") };
        Encoded::message(&format!("4{namespace}{}", quoted(&refusal.message())))
    } else {
        let namespace = Str::copy_from_slice(namespace);
        Encoded::packet(Packet::connect_error(namespace, refusal.message()))
    };
    session.answered();
    session.shared.events.refused(refusal, session.address);
    session.send(&packet);
}

/// `["event", …]`; the codec does not check the JSON.
fn read_call(args: Value) -> Option<Call> {
    let Value::Str(json, attachments) = args else { return None };
    let args: Vec<&RawValue> = serde_json::from_str(json.as_str()).ok()?;
    let (name, args) = args.split_first()?;
    let event = match serde_json::from_str(name.get()).ok()? {
        serde_json::Value::String(name) => name,
        serde_json::Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let args = args.iter().map(|arg| arg.get()).collect::<Vec<_>>().join(",");
    Some(Call { event, args, attachments: attachments.map(Vec::from).unwrap_or_default() })
}

/// Reads an event out of `packet`, if it holds one.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn read_as_call(packet: Packet) -> Option<Call> {
    match packet.inner {
        PacketData::Event(args, _) | PacketData::BinaryEvent(args, _) => read_call(args),
        _ => None,
    }
}

async fn answer(seat: &Arc<Seat>, call: Call, ack: Option<i64>) {
    let conformance = seat.session.shared.config.conformance;
    if conformance == Some(Conformance::Socket) && call.event == "message" {
        let args = if call.args.is_empty() { String::new() } else { format!(",{}", call.args) };
        let data =
            Value::Str(format!("[\"message-back\"{args}]").into(), attached(call.attachments));
        let namespace = Str::copy_from_slice(seat.namespace.as_str());
        seat.session.send(&Encoded::packet(Packet::event(namespace, data)));
        return;
    }
    event::answer(seat, call, ack).await;
}

fn attached(attachments: Vec<Bytes>) -> Option<std::collections::VecDeque<Bytes>> {
    (!attachments.is_empty()).then(|| attachments.into())
}

fn echo(session: &Arc<Session>, message: Message) {
    let encoded = match message {
        Message::Text(text) => Encoded::message(text.as_str()),
        Message::Binary(bytes) => Encoded::binary(bytes),
    };
    session.send(&encoded);
}
