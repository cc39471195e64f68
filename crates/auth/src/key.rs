//! The one key that tokens are checked with, or signed: a secret, or a PEM.

use std::{fmt, fs, io, path::Path};

use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, jwk::Jwk};
use thiserror::Error;

/// The shortest secret: as many bits as the digest of HS256 (RFC 7518 §3.2).
const SECRET_BYTES_MIN: usize = 32;
/// The largest file that may hold a key.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Never shown.
#[derive(Clone)]
pub struct Key {
    verifying: DecodingKey,
    /// Absent for a public key.
    signing: Option<EncodingKey>,
}

/// Why a text is no key. None of these repeats the text.
#[derive(Debug, Error)]
pub enum KeyError {
    #[error("names a file that cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("names a file of {len_bytes} bytes, and {FILE_BYTES_MAX} are allowed")]
    FileTooLarge { len_bytes: u64 },
    #[error("has {len_bytes} bytes, and a secret needs {SECRET_BYTES_MIN}")]
    SecretTooShort { len_bytes: usize },
    #[error("is a PEM, but no RSA, P-256, P-384 or Ed25519 key")]
    UnknownPem,
}

impl Key {
    /// Reads a PEM, the path of a file (`/…`, `./…`, `../…`) with a PEM or a secret, or a secret.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        if ["/", "./", "../"].iter().any(|start| text.starts_with(start)) {
            return Self::of_text(read_file(Path::new(text))?.trim_end_matches(['\r', '\n']));
        }
        Self::of_text(text)
    }

    fn of_text(text: &str) -> Result<Self, KeyError> {
        if !text.trim_start().starts_with("-----BEGIN") {
            return Self::of_secret(text.as_bytes());
        }
        let pem = text.trim().as_bytes();
        let key = if text.contains("PRIVATE KEY-----") { of_private(pem) } else { of_public(pem) };
        key.ok_or(KeyError::UnknownPem)
    }

    fn of_secret(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(KeyError::SecretTooShort { len_bytes: secret.len() });
        }
        let signing = Some(EncodingKey::from_secret(secret));
        Ok(Self { verifying: DecodingKey::from_secret(secret), signing })
    }

    pub(crate) fn family(&self) -> AlgorithmFamily {
        self.verifying.family()
    }

    pub(crate) fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }

    pub(crate) fn signing(&self) -> Option<&EncodingKey> {
        self.signing.as_ref()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?}, ********)", self.family())
    }
}

fn of_public(pem: &[u8]) -> Option<Key> {
    let read = [DecodingKey::from_rsa_pem, DecodingKey::from_ec_pem, DecodingKey::from_ed_pem];
    let verifying = read.iter().find_map(|read| read(pem).ok())?;
    Some(Key { verifying, signing: None })
}

/// A private key, with the public one that is in it.
fn of_private(pem: &[u8]) -> Option<Key> {
    let with = |signing: EncodingKey, algorithm| {
        let public = Jwk::from_encoding_key(&signing, algorithm).ok()?;
        let verifying = DecodingKey::from_jwk(&public).ok()?;
        Some(Key { verifying, signing: Some(signing) })
    };
    if let Ok(signing) = EncodingKey::from_rsa_pem(pem) {
        return with(signing, Algorithm::RS256);
    }
    if let Ok(signing) = EncodingKey::from_ec_pem(pem) {
        return with(signing.clone(), Algorithm::ES256).or_else(|| with(signing, Algorithm::ES384));
    }
    with(EncodingKey::from_ed_pem(pem).ok()?, Algorithm::EdDSA)
}

fn read_file(path: &Path) -> Result<String, KeyError> {
    let len_bytes = fs::metadata(path).map_err(KeyError::Unreadable)?.len();
    if len_bytes > FILE_BYTES_MAX {
        return Err(KeyError::FileTooLarge { len_bytes });
    }
    fs::read_to_string(path).map_err(KeyError::Unreadable)
}
