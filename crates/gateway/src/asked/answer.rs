//! What a client acknowledges with, as the one who asked reads it: the first argument, the list of them
//! where there are several, `null` where there is none.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{
    Value as Json,
    value::{RawValue, to_raw_value},
};

use crate::{events::Dropped, seat::Seat};

/// Takes the answer of `seat` to the question of this number. `args` is the list of the arguments'
/// JSON. `None`: it is none.
pub(crate) fn take(seat: &Arc<Seat>, number: i64, args: &str, attachments: &[Bytes]) -> Option<()> {
    let data = data(args, attachments)?;
    let shared = &seat.session.shared;
    if !shared.waiters.answer(seat, number, data) {
        shared.events.dropped(Dropped::StrayAck);
    }
    Some(())
}

fn data(args: &str, attachments: &[Bytes]) -> Option<Box<RawValue>> {
    if !attachments.is_empty() {
        let mut args: Vec<Json> = serde_json::from_str(args).ok()?;
        for arg in &mut args {
            fill(arg, attachments)?;
        }
        return match args.as_slice() {
            [one] => to_raw_value(one).ok(),
            several => to_raw_value(several).ok(),
        };
    }
    let listed: Vec<Box<RawValue>> = serde_json::from_str(args).ok()?;
    match <[Box<RawValue>; 1]>::try_from(listed) {
        Ok([one]) => Some(one),
        Err(none) if none.is_empty() => to_raw_value(&()).ok(),
        Err(_several) => RawValue::from_string(args.to_owned()).ok(),
    }
}

/// Puts `{"$binary":"<base64>"}` where Socket.IO's placeholders are. `None`: one names no attachment.
fn fill(json: &mut Json, attachments: &[Bytes]) -> Option<()> {
    match json {
        Json::Object(fields) if fields.get("_placeholder") == Some(&Json::Bool(true)) => {
            let at = usize::try_from(fields.get("num")?.as_u64()?).ok()?;
            let text = STANDARD.encode(attachments.get(at)?);
            *json = serde_json::json!({ "$binary": text });
            Some(())
        }
        Json::Object(fields) => fields.values_mut().try_for_each(|json| fill(json, attachments)),
        Json::Array(parts) => parts.iter_mut().try_for_each(|json| fill(json, attachments)),
        _ => Some(()),
    }
}

#[cfg(test)]
mod tests {
    //! How acknowledgements become data.

    use super::*;

    fn of(args: &str, attachments: &[&'static [u8]]) -> Option<String> {
        let attachments: Vec<Bytes> = attachments.iter().copied().map(Bytes::from_static).collect();
        data(args, &attachments).map(|data| data.get().to_owned())
    }

    #[test]
    fn one_argument_is_the_data_as_it_was_written() {
        assert_eq!(of("[{ \"a\" : 1.0 }]", &[]).as_deref(), Some("{ \"a\" : 1.0 }"));
        assert_eq!(of("[[1,2]]", &[]).as_deref(), Some("[1,2]"));
    }

    #[test]
    fn no_argument_is_null_and_several_are_their_list() {
        assert_eq!(of("[]", &[]).as_deref(), Some("null"));
        assert_eq!(of("[1, \"b\"]", &[]).as_deref(), Some("[1, \"b\"]"));
    }

    #[test]
    fn attachments_take_the_place_of_their_placeholders() {
        let args = r#"[{"file":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]"#;
        let data = of(args, &[b"\x01\x02", b"\xff"]);
        assert_eq!(data.as_deref(), Some(r#"[{"file":{"$binary":"/w=="}},{"$binary":"AQI="}]"#));
    }

    #[test]
    fn what_is_no_list_or_names_no_attachment_is_no_answer() {
        assert_eq!(of("{}", &[]), None);
        assert_eq!(of("[1", &[]), None);
        assert_eq!(of(r#"[{"_placeholder":true,"num":1}]"#, &[b"\x01"]), None);
    }
}
