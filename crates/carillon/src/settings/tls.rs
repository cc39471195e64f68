//! Certificates and their keys: two files each, `*.tls.cert` and `*.tls.key`.

use std::path::PathBuf;

use gateway::{ClientRoots, Identity};

use crate::settings::{config::file, reader::Reader};

/// What the public port shows, if it speaks TLS.
pub(super) fn public(read: &mut Reader) -> Option<Identity> {
    identity(read, "public.tls")
}

/// What the internal port shows, and whose certificates it asks for.
#[derive(Clone, Debug)]
pub struct InternalTls {
    pub identity: Identity,
    pub clients: Option<ClientRoots>,
}

pub(super) fn internal(read: &mut Reader) -> Option<InternalTls> {
    let name = "internal.tls.client_ca";
    let (identity, file) = (identity(read, "internal.tls"), read.maybe(name, file));
    if read.is_set(name) && !read.is_set("internal.tls.cert") {
        refuse_alone(read, name, "internal.tls.cert");
    }
    let clients = file.map(|file| ClientRoots::read(&file)).transpose();
    let clients = clients.unwrap_or_else(|error| {
        read.refuse(name, error.to_string(), error.hint());
        None
    });
    identity.map(|identity| InternalTls { identity, clients })
}

fn identity(read: &mut Reader, section: &str) -> Option<Identity> {
    let (cert, key) = pair(read, section)?;
    match Identity::read(&cert, &key) {
        Ok(identity) => Some(identity),
        Err(error) => {
            let part = if error.is_of_key() { "key" } else { "cert" };
            read.refuse(&format!("{section}.{part}"), error.to_string(), error.hint());
            None
        }
    }
}

/// The two files of a section: both, or neither.
pub(super) fn pair(read: &mut Reader, section: &str) -> Option<(PathBuf, PathBuf)> {
    let names = [format!("{section}.cert"), format!("{section}.key")];
    let [cert_name, key_name] = &names;
    let (cert, key) = (read.maybe(cert_name, file), read.maybe(key_name, file));
    match (read.is_set(cert_name), read.is_set(key_name)) {
        (true, false) => refuse_alone(read, cert_name, key_name),
        (false, true) => refuse_alone(read, key_name, cert_name),
        _ => {}
    }
    cert.zip(key)
}

fn refuse_alone(read: &mut Reader, name: &str, other: &str) {
    read.refuse(name, "is of no use alone", format!("set {other} too, or neither"));
}
