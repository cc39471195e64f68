//! The way in to a server: of what kind it is, and whether it speaks TLS.

use std::{
    env, fs, io,
    net::Ipv4Addr,
    path::PathBuf,
    process::{self, Command, Stdio},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::{failure::Failure, target::Kind};

/// How clients come in.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    pub(crate) kind: Kind,
    tls: Option<Arc<ClientConfig>>,
}

/// A certificate for 127.0.0.1 that nobody but this run trusts. Its files go with it.
#[derive(Debug)]
pub(crate) struct Certificate {
    folder: Folder,
    trust: Arc<ClientConfig>,
}

/// Removed with all that is in it when dropped.
#[derive(Debug)]
struct Folder(PathBuf);

impl Entrance {
    pub(super) fn new(kind: Kind, certificate: Option<&Certificate>) -> Self {
        Self { kind, tls: certificate.map(|it| Arc::clone(&it.trust)) }
    }

    /// A session yet to be begun. None where nothing is encrypted.
    pub(crate) fn session(&self) -> io::Result<Option<ClientConnection>> {
        let begin = |trust: &Arc<ClientConfig>| {
            ClientConnection::new(Arc::clone(trust), Ipv4Addr::LOCALHOST.into())
        };
        self.tls.as_ref().map(begin).transpose().map_err(io::Error::other)
    }
}

impl Certificate {
    /// Has openssl make one.
    pub(crate) fn make() -> Result<Self, Failure> {
        let folder = Folder(env::temp_dir().join(format!("loadtest-tls-{}", process::id())));
        let trust = folder.fill().map_err(Failure::Certificate)?;
        Ok(Self { folder, trust: Arc::new(trust) })
    }

    pub(super) fn cert(&self) -> String {
        self.folder.file("cert.pem")
    }

    pub(super) fn key(&self) -> String {
        self.folder.file("key.pem")
    }
}

impl Folder {
    /// Puts certificate and key into it, and answers what trusts them.
    fn fill(&self) -> io::Result<ClientConfig> {
        fs::create_dir_all(&self.0)?;
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=loadtest"]);
        openssl.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        // The server shows it itself, so it must be no authority's.
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl.args(["-addext", "subjectAltName=IP:127.0.0.1"]);
        openssl.args(["-out", &self.file("cert.pem"), "-keyout", &self.file("key.pem")]);
        let status = openssl.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = status.status()?;
        if !status.success() {
            return Err(io::Error::other(format!("openssl: {status}")));
        }
        let mut roots = RootCertStore::empty();
        let shown = CertificateDer::from_pem_file(self.file("cert.pem"));
        roots.add(shown.map_err(io::Error::other)?).map_err(io::Error::other)?;
        Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind in the system's temporary folder opens nothing.
        drop(fs::remove_dir_all(&self.0));
    }
}
