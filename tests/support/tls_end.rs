//! The server's end of TLS in tests: a certificate of OpenSSL's, and socat in front of a server without TLS.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// A certificate and its key, in a directory that goes away with them.
pub struct Certificate(PathBuf);

impl Certificate {
    /// A self-signed one, in a directory named by `name` and this process; `key` is what `openssl req -newkey`
    /// takes. An error says that there is no OpenSSL.
    pub fn make(name: &str, key: &[&str]) -> io::Result<Self> {
        let directory = std::env::temp_dir().join(format!("minewall-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory of our own");
        let certificate = Certificate(directory);
        let made = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=server", "-newkey"])
            .args(key)
            .arg("-keyout")
            .arg(certificate.key())
            .arg("-out")
            .arg(certificate.cert())
            .stderr(Stdio::null())
            .status()?;
        assert!(made.success(), "no certificate");
        Ok(certificate)
    }

    /// The file of the certificate.
    pub fn cert(&self) -> PathBuf {
        self.0.join("cert.pem")
    }

    /// The file of its key.
    pub fn key(&self) -> PathBuf {
        self.0.join("key.pem")
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server's process with its certificate; it ends when dropped.
pub struct TlsEnd {
    process: Child,
    _certificate: Certificate,
}

impl TlsEnd {
    /// `process`, which has `certificate`.
    pub fn of(process: Child, certificate: Certificate) -> Self {
        TlsEnd { process, _certificate: certificate }
    }

    /// Has `socat`, the program wherever it is to stand, listen at `addr` for the server at `plain`. An error
    /// says that there is none.
    pub fn socat(
        mut socat: Command,
        certificate: Certificate,
        addr: SocketAddr,
        plain: SocketAddr,
    ) -> io::Result<Self> {
        let path = |path: &Path| path.display().to_string();
        let listen = format!(
            "OPENSSL-LISTEN:{},bind={},fork,reuseaddr,verify=0,nodelay,cert={},key={}",
            addr.port(),
            addr.ip(),
            path(&certificate.cert()),
            path(&certificate.key())
        );
        // What the one end has closed, the other isn't left waiting for.
        let process = socat
            .args(["-t", "0.1", &listen, &format!("TCP:{plain},nodelay")])
            .stderr(Stdio::null())
            .spawn()?;
        Ok(TlsEnd::of(process, certificate))
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("a child of ours")
    }
}

impl Drop for TlsEnd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
