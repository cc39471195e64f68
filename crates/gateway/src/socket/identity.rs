//! Who wants a seat: the user, a room and a cursor, out of a namespace's own query or `auth`, or else
//! out of the transport's query.

use std::borrow::Cow;

use auth::Denial;
use notice::{Cursor, Room, UserId};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::query::Query;
use crate::refusal::Refusal;

/// What a client says of itself, checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) user: Option<UserId>,
    pub(crate) room: Option<Room>,
    pub(crate) since: Cursor,
}

/// One place where a client may say it, as it was written.
#[derive(Debug, Default)]
pub(crate) struct Source<'a> {
    user: Option<Cow<'a, str>>,
    user_identity: Option<Cow<'a, str>>,
    room: Option<Cow<'a, str>>,
    since: Option<Cow<'a, str>>,
    token: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Auth<'a> {
    #[serde(borrow)]
    user: Option<&'a RawValue>,
    #[serde(borrow, rename = "userIdentity")]
    user_identity: Option<&'a RawValue>,
    #[serde(borrow)]
    room: Option<&'a RawValue>,
    #[serde(borrow)]
    since: Option<&'a RawValue>,
    #[serde(borrow)]
    token: Option<&'a RawValue>,
}

impl<'a> Source<'a> {
    pub(crate) fn query(query: Query<'a>) -> Self {
        Self {
            user: query.get("user"),
            user_identity: query.get("userIdentity"),
            room: query.get("room"),
            since: query.get("since"),
            token: query.get("token"),
        }
    }

    /// The payload of a CONNECT packet: a JSON object, or nothing.
    pub(crate) fn auth(json: Option<&'a str>) -> Result<Self, Refusal> {
        let Some(json) = json.filter(|json| *json != "null") else { return Ok(Self::default()) };
        let auth: Auth<'_> = serde_json::from_str(json).map_err(|_| Refusal::AuthMalformed)?;
        Ok(Self {
            user: text(auth.user).map_err(|()| Refusal::UserMalformed)?,
            user_identity: text(auth.user_identity).map_err(|()| Refusal::UserMalformed)?,
            room: text(auth.room).map_err(|()| Refusal::RoomMalformed)?,
            since: text(auth.since).map_err(|()| Refusal::SinceMalformed)?,
            token: text(auth.token).map_err(|()| Refusal::Denied(Denial::Malformed))?,
        })
    }

    /// A cursor in place of this source's, where it names none.
    pub(crate) fn or_since(mut self, since: Option<&'a str>) -> Self {
        self.since = self.since.or_else(|| since.map(Cow::Borrowed));
        self
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    fn user(&self) -> Result<Option<UserId>, Refusal> {
        if let (Some(user), Some(identity)) = (&self.user, &self.user_identity)
            && user != identity
        {
            return Err(Refusal::UsersDiffer);
        }
        let user = self.user.as_ref().or(self.user_identity.as_ref());
        user.map(|user| UserId::new(user).map_err(|_| Refusal::UserMalformed)).transpose()
    }
}

/// A JSON string, or a number as it is written; `null` and `""` are nothing.
pub(crate) fn text(json: Option<&RawValue>) -> Result<Option<Cow<'_, str>>, ()> {
    let Some(json) = json.map(RawValue::get) else { return Ok(None) };
    match json.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(json).map_err(|_| ())?;
            Ok((!text.is_empty()).then_some(Cow::Owned(text)))
        }
        Some(b'-' | b'0'..=b'9') => Ok(Some(Cow::Borrowed(json))),
        Some(b'n') => Ok(None),
        _ => Err(()),
    }
}

impl Identity {
    /// What the namespace was told comes before what the transport was told, item by item.
    pub(crate) fn of(own: &Source<'_>, transport: &Source<'_>) -> Result<Self, Refusal> {
        let user = match own.user()? {
            Some(user) => Some(user),
            None => transport.user()?,
        };
        let room = own.room.as_ref().or(transport.room.as_ref());
        let room = room.map(|room| Room::new(room).map_err(|_| Refusal::RoomMalformed));
        let since = own.since.as_ref().or(transport.since.as_ref());
        let since = since.map(|since| since.parse().map_err(|_| Refusal::SinceMalformed));
        Ok(Self { user, room: room.transpose()?, since: since.transpose()?.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, Source};
    use crate::{refusal::Refusal, socket::query::Query};

    fn user(own: &str, transport: &str) -> Result<Option<String>, Refusal> {
        let identity = Identity::of(
            &Source::auth(Some(own).filter(|own| !own.is_empty()))?,
            &Source::query(Query::new(transport)),
        )?;
        Ok(identity.user.map(|user| user.as_str().to_owned()))
    }

    #[test]
    fn a_number_means_its_decimal_text() {
        assert_eq!(user(r#"{"user":5}"#, ""), Ok(Some("5".into())));
        assert_eq!(user(r#"{"user":"5"}"#, ""), Ok(Some("5".into())));
        assert_eq!(user("", "userIdentity=5"), Ok(Some("5".into())));
    }

    #[test]
    fn a_user_given_twice_must_agree() {
        assert_eq!(user("", "user=5&userIdentity=5"), Ok(Some("5".into())));
        assert_eq!(user("", "user=5&userIdentity=6"), Err(Refusal::UsersDiffer));
        assert_eq!(user(r#"{"user":5,"userIdentity":"6"}"#, ""), Err(Refusal::UsersDiffer));
    }

    #[test]
    fn the_namespace_is_asked_before_the_transport() {
        assert_eq!(user(r#"{"user":"6"}"#, "user=5"), Ok(Some("6".into())));
        assert_eq!(user(r#"{"user":null}"#, "user=5"), Ok(Some("5".into())));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        assert_eq!(user(r#"{"user":{}}"#, ""), Err(Refusal::UserMalformed));
        assert_eq!(user(r#"{"user":true}"#, ""), Err(Refusal::UserMalformed));
        assert_eq!(user("[1]", ""), Err(Refusal::AuthMalformed));
        assert_eq!(user("", "user=a%00b"), Err(Refusal::UserMalformed));
        assert_eq!(user("", "user=5&since=junk"), Err(Refusal::SinceMalformed));
    }
}
