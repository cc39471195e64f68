//! A certificate and its key: two files that were read, and fit.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::{
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
    sign::CertifiedKey,
};
use thiserror::Error;
use x509_cert::{Certificate, der::Decode as _, time::Time};

/// The longest chain, and the longest key.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// What the public port shows of itself, and where that was read.
#[derive(Clone)]
pub struct Identity {
    pub(super) files: Files,
    /// As they were read, to see when they change.
    pub(super) texts: Texts,
    pub(super) shown: Arc<CertifiedKey>,
    pub(super) from: SystemTime,
    pub(super) until: SystemTime,
}

#[derive(Clone, Debug)]
pub(super) struct Files {
    cert: PathBuf,
    key: PathBuf,
}

/// What stood in the two files.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Texts {
    cert: Vec<u8>,
    key: Vec<u8>,
}

/// Why two files are no identity.
#[derive(Debug, Error)]
pub enum IdentityError {
    #[error("cannot be read: {0}")]
    CertUnreadable(io::Error),
    #[error("cannot be read: {0}")]
    KeyUnreadable(io::Error),
    #[error("holds no certificate")]
    NoCert,
    #[error("holds no key")]
    NoKey,
    #[error("holds a certificate that makes no sense: {0}")]
    BadCert(String),
    #[error("holds a key that is of no use: {0}")]
    BadKey(rustls::Error),
    #[error("holds a key that is not the certificate's")]
    Mismatch,
    #[error("holds a certificate that expired at {0}")]
    Expired(String),
}

impl IdentityError {
    /// Whether it is the key's file that is to be put right.
    pub fn is_of_key(&self) -> bool {
        matches!(self, Self::KeyUnreadable(_) | Self::NoKey | Self::BadKey(_) | Self::Mismatch)
    }

    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::CertUnreadable(_) | Self::KeyUnreadable(_) => {
                "name a file that this process may read"
            }
            Self::NoCert => {
                "write a PEM with BEGIN CERTIFICATE: the node's own first, then those on the way to the root"
            }
            Self::NoKey => {
                "write a PEM with BEGIN PRIVATE KEY, without a passphrase; `openssl pkey` makes one of others"
            }
            Self::BadCert(_) => "look at it with `openssl x509 -noout -text`",
            Self::BadKey(_) => "make an ECDSA, RSA or Ed25519 key",
            Self::Mismatch => {
                "take both from one place; the node's own certificate comes first in its file"
            }
            Self::Expired(_) => "renew it; a running node takes the new one by itself",
        }
    }
}

impl Identity {
    /// Reads the two files, and makes sure that they go together and still hold.
    pub fn read(cert: &Path, key: &Path) -> Result<Self, IdentityError> {
        let files = Files { cert: cert.to_owned(), key: key.to_owned() };
        let texts = files.read()?;
        files.identity(texts, SystemTime::now())
    }

    /// What is shown, without those on the way to its root.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        self.shown.cert.first().expect("it was read from a chain of one at least")
    }

    /// When it ends.
    pub fn until(&self) -> SystemTime {
        self.until
    }

    /// Whether little is left of it, and it should have been renewed.
    pub fn ends_soon(&self, now: SystemTime) -> bool {
        let lasts = self.until.duration_since(self.from).unwrap_or_default();
        let left = self.until.duration_since(now).unwrap_or_default();
        // Some are made for days: they too are renewed in their last third.
        left < (lasts / 5).min(Duration::from_hours(14 * 24))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Files {
    pub(super) fn read(&self) -> Result<Texts, IdentityError> {
        let cert = read(&self.cert).map_err(IdentityError::CertUnreadable)?;
        let key = read(&self.key).map_err(IdentityError::KeyUnreadable)?;
        Ok(Texts { cert, key })
    }

    pub(super) fn identity(
        &self,
        texts: Texts,
        now: SystemTime,
    ) -> Result<Identity, IdentityError> {
        let chain: Result<Vec<_>, pem::Error> =
            CertificateDer::pem_slice_iter(&texts.cert).collect();
        let chain = chain.map_err(|error| IdentityError::BadCert(error.to_string()))?;
        let own = chain.first().ok_or(IdentityError::NoCert)?;
        let own = Certificate::from_der(own)
            .map_err(|error| IdentityError::BadCert(error.to_string()))?;
        let validity = own.tbs_certificate().validity();
        let (from, until) = (validity.not_before, validity.not_after);
        let key = PrivateKeyDer::from_pem_slice(&texts.key).map_err(|_| IdentityError::NoKey)?;
        let shown = certified(chain, key)?;
        if until.to_system_time() <= now {
            return Err(IdentityError::Expired(written(until)));
        }
        Ok(Identity {
            files: self.clone(),
            texts,
            shown: Arc::new(shown),
            from: from.to_system_time(),
            until: until.to_system_time(),
        })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too long for one"));
    }
    fs::read(path)
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, IdentityError> {
    CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => IdentityError::Mismatch,
        rustls::Error::InvalidCertificate(error) => IdentityError::BadCert(error.to_string()),
        error => IdentityError::BadKey(error),
    })
}

fn written(time: Time) -> String {
    time.to_date_time().to_string()
}

#[cfg(test)]
mod tests;
