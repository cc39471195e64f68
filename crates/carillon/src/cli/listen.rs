//! `carillon listen`: what a user receives, a JSON line each, over a plain WebSocket.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use futures_util::StreamExt as _;
use http::{HeaderValue, header};
use tokio::{net::TcpStream, time};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest as _,
        handshake::client::Request,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use crate::{
    cli::{
        Console,
        arguments::ListenArgs,
        block_on,
        remote::{self, Remote},
        signals::StopSignals,
        trust,
    },
    exit::{Exit, Failure},
    settings::TOKEN,
};

/// The longest message that is taken from a server.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long saying goodbye may take.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What can happen to a listener.
enum Heard {
    Stop,
    Message(Message),
    Ended(anyhow::Error),
}

pub(super) fn listen(args: &ListenArgs, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let remote = Remote::parse("--url", &args.url, "http://127.0.0.1:8000")?;
    let token = console.environment.get(TOKEN).map(String::as_str);
    block_on(async {
        let mut signals = StopSignals::new().context("listen for signals")?;
        let mut socket = tokio::select! {
            biased;
            () = signals.next() => return Ok(Exit::Stopped),
            socket = connect(&remote, args, token) => socket?,
        };
        loop {
            match hear(&mut socket, &mut signals).await {
                Heard::Stop => {
                    leave(socket).await;
                    return Ok(Exit::Stopped);
                }
                Heard::Message(Message::Text(text)) => print(console.out, &text)?,
                Heard::Message(_) => {}
                Heard::Ended(error) => return Err(error.into()),
            }
        }
    })
}

async fn hear(socket: &mut Socket, signals: &mut StopSignals) -> Heard {
    tokio::select! {
        biased;
        () = signals.next() => Heard::Stop,
        next = socket.next() => match next {
            Some(Ok(Message::Close(Some(frame)))) => {
                Heard::Ended(closed(&frame))
            }
            Some(Ok(message)) => Heard::Message(message),
            Some(Err(error)) => Heard::Ended(anyhow!(error).context("read from the server")),
            None => Heard::Ended(anyhow!("server closed the socket")),
        },
    }
}

/// Says goodbye, so that the server need not find out.
async fn leave(mut socket: Socket) {
    // Whether it was heard makes no difference to us.
    let _heard = time::timeout(LEAVE_WITHIN, socket.close(None)).await;
}

async fn connect(
    remote: &Remote,
    args: &ListenArgs,
    token: Option<&str>,
) -> Result<Socket, Failure> {
    let mut pairs = vec![("namespace", args.namespace.as_str()), ("user", args.user.as_str())];
    if let Some(since) = &args.since {
        pairs.push(("since", since));
    }
    let url = format!("{}?{}", remote.url("ws", "/ws"), remote::query(&pairs));
    let request = request(&url, token)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let rules = Connector::Rustls(Arc::new(trust::rules(remote, &args.tls)?));
    match connect_async_tls_with_config(request, Some(config), true, Some(rules)).await {
        Ok((socket, _answer)) => Ok(socket),
        Err(tungstenite::Error::Http(answer)) => Err(refused(remote, &answer)),
        Err(error) => {
            let error = anyhow!(error).context(format!("connect to {remote}"));
            let usual = "is a node listening there? `carillon demo` starts one";
            let hint = trust::advice(&error, usual);
            Err(Failure::hinted(error, hint))
        }
    }
}

/// In a header, for addresses are written down on the way.
fn request(url: &str, token: Option<&str>) -> Result<Request, Failure> {
    let mut request = url.into_client_request().context("write the request")?;
    if let Some(token) = token {
        let bearer = HeaderValue::try_from(format!("Bearer {token}"));
        let bearer = bearer.map_err(|_| {
            Failure::usage(anyhow!("read {TOKEN}: it is no token"), "`carillon token` makes one")
        })?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
    }
    Ok(request)
}

fn refused(remote: &Remote, answer: &http::Response<Option<Vec<u8>>>) -> Failure {
    let body = answer.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let error = anyhow!("connect to {remote}: server answered {}: {body}", answer.status());
    let hint = match answer.status().as_u16() {
        404 => "is that the public address? the internal one, 8001 by default, has no sockets",
        401 | 403 => {
            "give a token of the user in CARILLON_TOKEN, if one is asked for; may it be heard from here?"
        }
        429 | 503 => "the server has too much to do; try again later",
        _ => "what the server says is above",
    };
    Failure::hinted(error, hint)
}

fn closed(frame: &CloseFrame) -> anyhow::Error {
    let reason = if frame.reason.is_empty() { "without a reason" } else { &frame.reason };
    anyhow!("server closed the socket: {} {reason}", u16::from(frame.code))
}

/// Prints a message on one line. JSON has line ends between its tokens only, where a space does too.
fn print(out: &mut dyn Write, text: &str) -> io::Result<()> {
    writeln!(out, "{}", text.replace(['\n', '\r'], " "))?;
    out.flush()
}
