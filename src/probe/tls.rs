//! TLS 1.2 and 1.3 for the probe: bytes in, bytes out, no socket.
//!
//! Of a pool no certificate is verified: pools sign their own, and nothing that a server says is trusted
//! anyway. A collector of events is known by its certificate ([`pin`]). The protocol is rustls's; [`provider`] lends it RustCrypto's primitives.

mod kx;
mod pin;
mod provider;
mod record;

use std::io::Read;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

/// Configuration that all connections share.
#[derive(Clone, Debug)]
pub(crate) struct TlsConnector(Arc<ClientConfig>);

impl TlsConnector {
    /// A client that verifies nothing and remembers nothing.
    ///
    /// # Errors
    /// rustls finds the provider unfit; a test holds that it doesn't.
    pub(crate) fn new() -> Result<Self, Error> {
        TlsConnector::with(Arc::new(TrustNothing))
    }

    /// A client that talks only to the server with the certificate of this SHA-256; to none without.
    ///
    /// # Errors
    /// As [`TlsConnector::new`].
    pub(crate) fn pinned(certificate: Option<[u8; 32]>) -> Result<Self, Error> {
        TlsConnector::with(Arc::new(pin::PinnedCertificate(certificate)))
    }

    fn with(verifier: Arc<dyn ServerCertVerifier>) -> Result<Self, Error> {
        let provider = Arc::new(provider::provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(TlsConnector(Arc::new(config)))
    }

    /// A connection to the server at `addr`, by the name `sni`; without one (or with one that is no
    /// DNS name) no name is sent (RFC 6066 section 3 has no addresses in it).
    ///
    /// # Errors
    /// There is no randomness.
    pub(crate) fn connect(&self, addr: IpAddr, sni: Option<&str>) -> Result<Tls, Error> {
        let name = sni.and_then(|name| ServerName::try_from(name.to_owned()).ok());
        let name = name.unwrap_or_else(|| ServerName::from(addr));
        Ok(Tls(ClientConnection::new(self.0.clone(), name)?))
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Tls(ClientConnection);

impl Tls {
    /// Encrypts `bytes`; they wait for [`Tls::take_output`].
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        use std::io::Write;
        // Its buffer holds 64 KB, a probe sends a few hundred bytes.
        let _ = self.0.writer().write_all(bytes);
    }

    /// Moves what is to be sent to `wire`.
    pub(crate) fn take_output(&mut self, wire: &mut Vec<u8>) {
        while self.0.wants_write() {
            if self.0.write_tls(wire).is_err() {
                return;
            }
        }
    }

    /// Takes `wire` in and appends what it says to `plain`, up to `room` bytes in it; the rest is lost.
    ///
    /// # Errors
    /// What the server sends is no TLS, or it refuses ours. An alert may be left to send.
    pub(crate) fn receive(&mut self, mut wire: &[u8], plain: &mut Vec<u8>, room: usize) -> Result<(), Error> {
        while !wire.is_empty() {
            let taken = self.0.read_tls(&mut wire).map_err(|error| Error::General(error.to_string()))?;
            let state = self.0.process_new_packets()?;
            let mut records = self.0.reader().take(state.plaintext_bytes_to_read() as u64);
            let mut chunk = [0; 512];
            while let Ok(len @ 1..) = records.read(&mut chunk) {
                let free = room.saturating_sub(plain.len()).min(len);
                plain.extend_from_slice(chunk.get(..free).unwrap_or_default());
            }
            if taken == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Whether the handshake is done.
    pub(crate) fn is_established(&self) -> bool {
        !self.0.is_handshaking()
    }
}

/// Any certificate will do.
#[derive(Debug)]
struct TrustNothing;

impl ServerCertVerifier for TrustNothing {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider::SCHEMES.to_vec()
    }
}
