//! Whose certificates the clients of a port may show: a file of roots, read again when it changes.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, pem::PemObject as _},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use thiserror::Error;

/// The longest file of roots.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

#[derive(Clone)]
pub struct ClientRoots {
    file: PathBuf,
    /// As it was read, to see when it changes.
    text: Vec<u8>,
    verifier: Arc<dyn ClientCertVerifier>,
}

/// Why a file holds no roots.
#[derive(Debug, Error)]
pub enum RootsError {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("holds no certificate")]
    Empty,
    #[error("holds a certificate that makes no sense: {0}")]
    Bad(String),
}

impl RootsError {
    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "name a file that this process may read",
            Self::Empty | Self::Bad(_) => {
                "write a PEM with BEGIN CERTIFICATE: the roots that have signed the clients' certificates"
            }
        }
    }
}

impl ClientRoots {
    pub fn read(file: &Path) -> Result<Self, RootsError> {
        let text = read(file)?;
        let verifier = verifier(&text)?;
        Ok(Self { file: file.to_owned(), text, verifier })
    }

    /// What the file holds now, unless it is what is known.
    pub(super) fn newer(&self) -> Result<Option<Self>, RootsError> {
        if read(&self.file)? == self.text { Ok(None) } else { Self::read(&self.file).map(Some) }
    }

    pub(super) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, RootsError> {
    if fs::metadata(file)?.len() > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too long for roots").into());
    }
    Ok(fs::read(file)?)
}

/// A client that shows none is let on: what it may ask without is not TLS's affair.
fn verifier(text: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, RootsError> {
    let bad = |error: &dyn fmt::Display| RootsError::Bad(error.to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(text) {
        let certificate = certificate.map_err(|error| bad(&error))?;
        roots.add(certificate).map_err(|error| bad(&error))?;
    }
    if roots.is_empty() {
        return Err(RootsError::Empty);
    }
    let provider = Arc::new(default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    builder.allow_unauthenticated().build().map_err(|error| bad(&error))
}

impl fmt::Debug for ClientRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRoots").field("file", &self.file).finish_non_exhaustive()
    }
}
