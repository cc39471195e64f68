//! Subscribing and unsubscribing, many channels at once.
//!
//! Each channel is a command of its own: Redis confirms each by itself, and fred takes one answer for one
//! command. They are no pipeline of fred's, where one channel whose slot has moved would take the answers
//! of all others along.

use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::{ClientLike, PubsubInterface},
    types::{ClusterHash, CustomCommand, Value},
};
use futures_util::future::join_all;

/// Channels in one trip.
pub(super) const BATCH_LEN: usize = 256;

/// Subscribes to each, and says of each whether that worked.
pub(super) async fn subscribe(client: &Client, channels: &[String]) -> Vec<Result<(), Error>> {
    let each = channels.iter().map(async |channel| {
        let command = CustomCommand::new_static("SSUBSCRIBE", ClusterHash::FirstKey, false);
        let answer: Result<Value, Error> = client.custom(command, vec![channel.as_str()]).await;
        answer.map(drop)
    });
    join_all(each).await
}

/// Must be fred's own command: it keeps what Redis says to that to itself, and one of ours would take the
/// next command's answer for its own. Should it fail, the connection is gone and its subscriptions too.
pub(super) async fn unsubscribe(client: &Client, channels: Vec<String>) {
    if client.is_connected() {
        join_all(channels.into_iter().map(|channel| client.sunsubscribe(channel))).await;
    }
}

/// Whether the connection stands, and owes an answer for too long. fred gives up such a one by itself, but
/// counts from what was written last, and there is always more to write.
pub(super) fn is_silent(client: &Client, error: &Error) -> bool {
    *error.kind() == ErrorKind::Timeout && client.is_connected()
}
