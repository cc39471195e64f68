//! The peer: a stock socketioxide server as its documentation builds one, on axum and the default
//! allocator, with every setting as it comes.
//!
//! Two arguments: the address for sockets, the address for `POST /emit`, whose JSON body goes to
//! every socket in `/` as the event `load`.

use std::{env::args, error::Error};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::Value;
use socketioxide::{SocketIo, extract::SocketRef};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut addresses = args().skip(1);
    let mut address = || addresses.next().ok_or("usage: stock PUBLIC PUBLISH");
    let public = TcpListener::bind(address()?).await?;
    let publish = TcpListener::bind(address()?).await?;

    let (layer, io) = SocketIo::new_layer();
    io.ns("/", async |_socket: SocketRef| {});
    let sockets = Router::new().route("/", get(async || "stock")).layer(layer);
    let emit = Router::new().route("/emit", post(emit)).with_state(io);

    tokio::select! {
        ended = axum::serve(public, sockets).into_future() => ended?,
        ended = axum::serve(publish, emit).into_future() => ended?,
    }
    Ok(())
}

/// Answers when the message is queued for every socket.
async fn emit(State(io): State<SocketIo>, Json(data): Json<Value>) -> StatusCode {
    match io.emit("load", &data).await {
        Ok(()) => StatusCode::OK,
        Err(_some_socket_is_full) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
