//! How a connection to Redis is kept private: which roots are trusted, and who we say we are.

use std::{fmt, fs, path::PathBuf, sync::Arc};

use fred::{
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
    rustls_native_certs::load_native_certs,
    types::config::{TlsConfig, TlsConnector, TlsHostMapping},
};

use crate::redis::refusal::ConnectError;

/// What a connection by `rediss…://` goes by instead of this machine's roots.
#[derive(Clone, Debug, Default)]
pub struct RedisTls {
    /// The only roots to trust. None: those of this machine.
    pub ca: Option<Pem>,
    /// For a Redis that wants to know who comes: our certificate chain and its key.
    pub identity: Option<(Pem, Pem)>,
}

/// Text in the PEM form, or the file that holds it.
#[derive(Clone)]
pub enum Pem {
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl fmt::Debug for Pem {
    // It may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Bytes(_) => f.debug_tuple("Bytes").finish_non_exhaustive(),
        }
    }
}

impl RedisTls {
    pub(super) fn fred(&self) -> Result<TlsConfig, ConnectError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let hint = "this build of rustls knows no tls version";
        let builder = versions.map_err(|error| bad(&error, hint))?;
        let builder = builder.with_root_certificates(self.roots()?);
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let hint = "the client's key must belong to its certificate";
                let config = builder.with_client_auth_cert(chain.certificates()?, key.key()?);
                config.map_err(|error| bad(&error, hint))?
            }
        };
        let hostnames = TlsHostMapping::None;
        Ok(TlsConfig { connector: TlsConnector::from(config), hostnames })
    }

    fn roots(&self) -> Result<RootCertStore, ConnectError> {
        let mut roots = RootCertStore::empty();
        let Some(ca) = &self.ca else {
            // One bad file among the machine's roots is no reason to trust none of the others.
            let (added, _) = roots.add_parsable_certificates(load_native_certs().certs);
            let hint = "install the package ca-certificates, or set the ca of your Redis";
            return if added > 0 {
                Ok(roots)
            } else {
                Err(bad(&"this machine has no roots", hint))
            };
        };
        for certificate in ca.certificates()? {
            let hint = "the ca must be a certificate in the PEM form";
            roots.add(certificate).map_err(|error| bad(&error, hint))?;
        }
        Ok(roots)
    }
}

impl Pem {
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
        let hint = "a certificate in the PEM form begins with -----BEGIN CERTIFICATE-----";
        let bytes = self.bytes()?;
        let found = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|error| bad(&error, hint))?;
        if found.is_empty() { Err(bad(&"there is no certificate in it", hint)) } else { Ok(found) }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, ConnectError> {
        let hint = "a key in the PEM form begins with -----BEGIN PRIVATE KEY-----";
        PrivateKeyDer::from_pem_slice(&self.bytes()?).map_err(|error| bad(&error, hint))
    }

    fn bytes(&self) -> Result<Vec<u8>, ConnectError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::File(path) => fs::read(path).map_err(|error| {
                let reason = format!("{}: {error}", path.display());
                bad(&reason, "the file must be there and readable")
            }),
        }
    }
}

fn bad(reason: &dyn fmt::Display, hint: &'static str) -> ConnectError {
    ConnectError::Certificates { reason: reason.to_string(), hint }
}
