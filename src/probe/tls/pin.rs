//! A server that is known by the fingerprint of its certificate (RFC 5425 section 4.2.2): the certificate must be the
//! one that the owner names, and the handshake be signed with its key. No chain, no date and no name is looked at.
//!
//! Its key is one of ECDSA on P-256, the curve that is here for the key exchange already.

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest, Sha256};

/// SHA-256 of the one certificate that is taken; none is, without.
#[derive(Debug)]
pub(super) struct PinnedCertificate(pub(super) Option<[u8; 32]>);

impl ServerCertVerifier for PinnedCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found: [u8; 32] = Sha256::digest(end_entity).into();
        if self.0 == Some(found) {
            return Ok(ServerCertVerified::assertion());
        }
        let digits: String = found.iter().map(|byte| format!("{byte:02X}")).collect();
        Err(Error::General(format!("its certificate has another fingerprint: {digits}")))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify(message, cert, dss.signature())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify(message, cert, dss.signature())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// Whether `message` is signed with the key in `cert`. The scheme is the one that was offered: rustls has checked it.
fn verify(message: &[u8], cert: &[u8], signature: &[u8]) -> Result<HandshakeSignatureValid, Error> {
    let key = public_key(cert).and_then(|point| VerifyingKey::from_sec1_bytes(point).ok());
    let key = key.ok_or_else(|| Error::General("its certificate has no ECDSA key of P-256".into()))?;
    let signature = Signature::from_der(signature).ok();
    match signature.map(|signature| key.verify(message, &signature)) {
        Some(Ok(())) => Ok(HandshakeSignatureValid::assertion()),
        _ => Err(Error::General("it does not have the key of its certificate".into())),
    }
}

/// The point in the subjectPublicKeyInfo of a certificate. The certificate is the one that the owner trusts, to the
/// byte, so the first place that reads as such a key is the right one.
fn public_key(cert: &[u8]) -> Option<&[u8]> {
    let at = cert.windows(KEY_INFO.len()).position(|window| window == KEY_INFO)?;
    cert.get(at + KEY_INFO.len()..)?.get(..POINT_BYTES)
}

/// Algorithm identifier of a key on P-256 and the begin of its bit string, in DER (RFC 5480 section 2).
const KEY_INFO: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// An uncompressed point.
const POINT_BYTES: usize = 65;

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::Signer;

    /// A certificate as far as `verify` looks at it.
    fn certificate(key: &SigningKey) -> Vec<u8> {
        let point = key.verifying_key().to_encoded_point(false);
        [b"begin", &KEY_INFO[..], point.as_bytes(), b"end"].concat()
    }

    #[test]
    fn only_the_owner_of_the_key_is_taken() {
        let key = SigningKey::from_slice(&[7; 32]).expect("a key");
        let other = SigningKey::from_slice(&[8; 32]).expect("a key");
        let sign = |key: &SigningKey| -> Signature { key.sign(b"handshake") };
        let cert = certificate(&key);
        assert!(verify(b"handshake", &cert, sign(&key).to_der().as_bytes()).is_ok());
        assert!(verify(b"handshake", &cert, sign(&other).to_der().as_bytes()).is_err());
        assert!(verify(b"another", &cert, sign(&key).to_der().as_bytes()).is_err());
        assert!(verify(b"handshake", &cert, b"no signature").is_err());
        assert!(verify(b"handshake", b"no key", sign(&key).to_der().as_bytes()).is_err());
    }

    #[test]
    fn only_the_named_certificate_is_taken() {
        let cert = CertificateDer::from(b"certificate".to_vec());
        let name = ServerName::try_from("collector.example").expect("a name");
        let check = |pin| {
            PinnedCertificate(pin).verify_server_cert(
                &cert,
                &[],
                &name,
                &[],
                UnixTime::since_unix_epoch(Default::default()),
            )
        };
        let right: [u8; 32] = Sha256::digest(b"certificate").into();
        assert!(check(Some(right)).is_ok());
        for pin in [None, Some([0; 32])] {
            let said = check(pin).expect_err("another certificate").to_string();
            assert!(said.contains("another fingerprint: 03D66DD0"), "{said}");
        }
    }
}
