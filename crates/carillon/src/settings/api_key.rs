//! A key of the internal API: a name for the logs, what it may do, and a secret that is never shown.

use std::{fmt, sync::Arc};

/// The most keys of one place.
pub(super) const KEYS_LEN_MAX: usize = 256;
/// The shortest secret.
const SECRET_BYTES_MIN: usize = 16;
const NAME_BYTES_MAX: usize = 64;
/// What the audit calls a caller without a key.
const RESERVED: &str = "local";

/// A key of the internal API.
#[derive(Clone, Eq, PartialEq)]
pub struct ApiKey {
    /// Who has it, as logs and audit lines say. Two keys may share it while one takes over from the other.
    name: Arc<str>,
    scopes: Vec<Scope>,
    secret: String,
}

/// What a key may be for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scope {
    /// To hand in messages.
    Publish,
    /// To see who is connected, and what became of messages.
    Read,
    /// To do something with sockets, tasks and dead letters.
    Admin,
}

impl ApiKey {
    /// Reads `<secret>`, which may do everything and has the name given here, or `<name>:<scopes>:<secret>`.
    /// What is wrong is told without a word of the text.
    pub(super) fn read(text: &str, unnamed: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.splitn(3, ':').collect();
        let (name, scopes, secret) = match parts[..] {
            [secret] => (unnamed, Scope::ALL.to_vec(), secret),
            [name, scopes, secret] => (checked(name)?, Scope::read_all(scopes)?, secret),
            _ => return Err("is neither a key nor name:scopes:key".to_owned()),
        };
        if name == RESERVED {
            return Err(format!("has the name {RESERVED}, which stands for callers without a key"));
        }
        if secret.len() < SECRET_BYTES_MIN || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("is shorter than {SECRET_BYTES_MIN} bytes or not visible ASCII"));
        }
        Ok(Self { name: name.into(), scopes, secret: secret.to_owned() })
    }

    /// Reads the entries of a setting; those without a name are called by their place.
    pub(super) fn read_list(entries: &[String]) -> Result<Vec<Self>, String> {
        if entries.len() > KEYS_LEN_MAX {
            return Err(format!("has more than {KEYS_LEN_MAX} keys"));
        }
        let read = |(place, text): (usize, &String)| {
            Self::read(text, &format!("#{place}"))
                .map_err(|problem| format!("has a key, number {place}, that {problem}"))
        };
        (1..).zip(entries).map(read).collect()
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.secret.as_bytes()
    }
}

fn checked(name: &str) -> Result<&str, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(plain) {
        return Err(format!(
            "has a name that is not 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_`, `.`"
        ));
    }
    Ok(name)
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, scopes, secret: _ } = self;
        write!(f, "ApiKey({name}, {scopes:?}, ********)")
    }
}

impl Scope {
    pub(crate) const ALL: [Self; 3] = [Self::Publish, Self::Read, Self::Admin];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// Reads names joined by `+`.
    fn read_all(text: &str) -> Result<Vec<Self>, String> {
        let of = |name| Self::ALL.into_iter().find(|scope| scope.name() == name);
        let scopes: Option<_> = text.split('+').map(of).collect();
        scopes.ok_or_else(|| "has scopes other than publish, read, admin, joined by `+`".to_owned())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    //! Which forms of a key are taken.

    use super::*;

    const SECRET: &str = "0123456789abcdef";

    #[test]
    fn a_key_alone_may_do_everything_and_is_called_by_its_place() {
        let keys = ApiKey::read_list(&[SECRET.to_owned()]).unwrap();
        assert_eq!(&**keys[0].name(), "#1");
        assert!(Scope::ALL.into_iter().all(|scope| keys[0].may(scope)));
    }

    #[test]
    fn a_named_key_may_do_what_its_scopes_say_and_may_hold_colons() {
        let key = ApiKey::read(&format!("back-end:publish+read:{SECRET}:x"), "#1").unwrap();
        assert_eq!((&**key.name(), key.as_bytes()), ("back-end", &b"0123456789abcdef:x"[..]));
        assert_eq!(Scope::ALL.map(|scope| key.may(scope)), [true, true, false]);
    }

    #[test]
    fn what_is_no_key_is_refused_without_a_word_of_it() {
        let long = "n".repeat(NAME_BYTES_MAX + 1);
        for bad in [
            "geheim".to_owned(),
            format!("geheim:{SECRET}"),
            format!("geheim::{SECRET}"),
            format!("geheim:publish,read:{SECRET}"),
            format!("geheim:all:{SECRET}"),
            format!("geheim:read+:{SECRET}"),
            format!(":read:{SECRET}"),
            format!("local:read:{SECRET}"),
            format!("geheim geheim:read:{SECRET}"),
            format!("{long}:read:{SECRET}"),
            "geheim:read:short".to_owned(),
            format!("geheim:read:{SECRET} {SECRET}"),
        ] {
            let told = ApiKey::read(&bad, "#1").unwrap_err();
            assert!(!told.contains("geheim") && !told.contains(SECRET), "{bad}: {told}");
        }
    }

    #[test]
    fn a_key_is_debugged_by_its_name() {
        let key = ApiKey::read(&format!("backend:read:{SECRET}"), "#1").unwrap();
        assert_eq!(format!("{key:?}"), "ApiKey(backend, [Read], ********)");
    }
}
