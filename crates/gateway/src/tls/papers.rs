//! Certificates for tests, made by `openssl` in a folder that goes with them.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

pub(crate) struct Papers(PathBuf);

impl Papers {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder =
            env::temp_dir().join(format!("carillon-papers-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let papers = Self(folder);
        papers.issue("first", &["-days", "100"]);
        papers
    }

    /// `name.pem` and `name.key`, self-signed for 127.0.0.1.
    pub(crate) fn issue(&self, name: &str, holding: &[&str]) {
        let mut command = Command::new("openssl");
        command.current_dir(&self.0).stdin(Stdio::null()).stderr(Stdio::null());
        command.args(["req", "-x509", "-nodes", "-subj", &format!("/CN={name}")]).args(holding);
        command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        command.args(["-addext", "subjectAltName=IP:127.0.0.1"]);
        command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")]);
        assert!(command.status().unwrap().success(), "{name}");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// One that trusts `first`, and the other side's rules.
    pub(crate) fn both_sides(&self) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
        let cert = CertificateDer::from_pem_file(self.path("first.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.path("first.key")).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.clone()).unwrap();
        let provider = Arc::new(default_provider());
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert], key)
            .unwrap();
        (Arc::new(client), Arc::new(server))
    }
}

impl Drop for Papers {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
