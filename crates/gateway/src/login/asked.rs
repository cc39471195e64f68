//! What a client asks of rooms, out of an event's arguments.

use adapter::LoginMode;
use notice::{ResumeKey, Room};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::reply::Fault;
use crate::socket::text;

/// A login, checked.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) room: Room,
    pub(super) mode: LoginMode,
    pub(super) resume: Option<ResumeKey>,
}

#[derive(Default, Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    resume: Option<&'a RawValue>,
}

/// `args` are JSON texts joined by commas: `"456","loginWhenLast"`, or `{"id":456}`.
pub(super) fn asked(args: &str) -> Result<Asked, Fault> {
    let list = format!("[{args}]");
    let Fields { id, kind, resume } = fields(&list)?;
    let room = room(id)?;
    let kind = text(kind).map_err(|()| Fault::TypeUnknown)?;
    let mode = match kind.as_deref() {
        None | Some("loginWhenFirst") => LoginMode::First,
        Some("loginWhenLast") => LoginMode::Last,
        Some("loginWhenever") => LoginMode::Whenever,
        Some(_) => return Err(Fault::TypeUnknown),
    };
    let resume = text(resume).map_err(|()| Fault::ResumeMalformed)?;
    let resume = resume.map(|key| ResumeKey::new(&key).map_err(|_| Fault::ResumeMalformed));
    Ok(Asked { room, mode, resume: resume.transpose()? })
}

pub(super) fn room_to_leave(args: &str) -> Result<Room, Fault> {
    room(fields(&format!("[{args}]"))?.id)
}

fn fields(list: &str) -> Result<Fields<'_>, Fault> {
    let args: Vec<&RawValue> = serde_json::from_str(list).map_err(|_| Fault::IdMalformed)?;
    let first = args.first().copied();
    match first.filter(|first| first.get().starts_with('{')) {
        Some(object) => serde_json::from_str(object.get()).map_err(|_| Fault::IdMalformed),
        None => Ok(Fields { id: first, kind: args.get(1).copied(), resume: None }),
    }
}

fn room(id: Option<&RawValue>) -> Result<Room, Fault> {
    let id = text(id).map_err(|()| Fault::IdMalformed)?.ok_or(Fault::IdMissing)?;
    Room::new(&id).map_err(|_| Fault::IdMalformed)
}

#[cfg(test)]
mod tests {
    //! Which arguments are a login, and what is said of the others.

    use super::*;

    fn read(args: &str) -> Result<(String, LoginMode, Option<String>), Fault> {
        let Asked { room, mode, resume } = asked(args)?;
        Ok((room.to_string(), mode, resume.map(|key| key.to_string())))
    }

    #[test]
    fn an_id_is_a_string_or_a_numbers_text_and_the_type_may_be_left_out() {
        let first = |id: &str| Ok((id.to_owned(), LoginMode::First, None));
        assert_eq!(read("\"456\""), first("456"));
        assert_eq!(read("456"), first("456"));
        assert_eq!(read("456,null"), first("456"));
        assert_eq!(read("{\"id\":456}"), first("456"));
        assert_eq!(read("456,\"loginWhenFirst\""), first("456"));
    }

    #[test]
    fn all_can_be_said_in_an_object() {
        let last = Ok(("a".to_owned(), LoginMode::Last, Some("key".to_owned())));
        assert_eq!(read(r#"{"id":"a","type":"loginWhenLast","resume":"key"}"#), last);
        assert_eq!(read(r#"{"id":"a","type":"loginWhenLast","resume":"key"},"ignored""#), last);
        let whenever = Ok(("a".to_owned(), LoginMode::Whenever, None));
        assert_eq!(read(r#""a","loginWhenever""#), whenever);
    }

    #[test]
    fn each_mistake_has_its_own_word() {
        for args in ["", "null", "\"\"", "{}", "{\"id\":null}"] {
            assert_eq!(read(args), Err(Fault::IdMissing), "{args}");
        }
        let long = format!("\"{}\"", "r".repeat(1024 * 1024));
        for args in ["true", "[1]", "\"a\\nb\"", "\"\\u0000\"", &long, "{\"id\":{}}"] {
            assert_eq!(read(args), Err(Fault::IdMalformed), "{args:.40}");
        }
        for args in ["1,\"loginwhenfirst\"", "1,2", "1,{}", "1,true", "{\"id\":1,\"type\":[]}"] {
            assert_eq!(read(args), Err(Fault::TypeUnknown), "{args}");
        }
        for args in ["{\"id\":1,\"resume\":{}}", "{\"id\":1,\"resume\":\"a\\u0001\"}"] {
            assert_eq!(read(args), Err(Fault::ResumeMalformed), "{args}");
        }
    }
}
