//! The cryptographic provider: which primitives rustls works with.
//!
//! Two AEADs, one hash, two groups: every TLS 1.3 server has the first of each (RFC 8446 section 9.1),
//! and so has nearly every TLS 1.2 server of the last ten years.

use std::sync::Arc;

use hmac::{Hmac, Mac};
use rustls::crypto::hash::{self, Context, HashAlgorithm, Output};
use rustls::crypto::hmac::{self as tls_hmac, Tag};
use rustls::crypto::tls12::PrfUsingHmac;
use rustls::crypto::tls13::HkdfUsingHmac;
use rustls::crypto::{
    CipherSuiteCommon, CryptoProvider, GetRandomFailed, KeyExchangeAlgorithm, KeyProvider, SecureRandom,
    WebPkiSupportedAlgorithms,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use rustls::{CipherSuite, Error, SignatureScheme, SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite};
use sha2::{Digest, Sha256};

use super::kx;
use super::record::{Aes128Gcm, ChaCha20Poly1305};

pub(super) fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: [&TLS13_AES, &TLS13_CHACHA]
            .map(SupportedCipherSuite::Tls13)
            .into_iter()
            .chain([&ECDSA_AES, &RSA_AES, &ECDSA_CHACHA, &RSA_CHACHA].map(SupportedCipherSuite::Tls12))
            .collect(),
        kx_groups: vec![&kx::X25519, &kx::Secp256r1],
        // The verifier asks for none.
        signature_verification_algorithms: WebPkiSupportedAlgorithms { all: &[], mapping: &[] },
        secure_random: &KernelRandom,
        key_provider: &KernelRandom,
    }
}

/// Signature schemes that are offered; signatures are taken unread.
pub(super) static SCHEMES: [SignatureScheme; 10] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::ED25519,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

const fn common(suite: CipherSuite) -> CipherSuiteCommon {
    // A probe sends a handful of records; the lowest limit of the AEADs will do (RFC 8446 section 5.5).
    CipherSuiteCommon { suite, hash_provider: &Sha, confidentiality_limit: 1 << 24 }
}

static TLS13_AES: Tls13CipherSuite = Tls13CipherSuite {
    common: common(CipherSuite::TLS13_AES_128_GCM_SHA256),
    hkdf_provider: &HkdfUsingHmac(&Sha),
    aead_alg: &Aes128Gcm,
    quic: None,
};

static TLS13_CHACHA: Tls13CipherSuite = Tls13CipherSuite {
    common: common(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
    hkdf_provider: &HkdfUsingHmac(&Sha),
    aead_alg: &ChaCha20Poly1305,
    quic: None,
};

macro_rules! tls12 {
    ($name:ident, $suite:ident, $aead:ident, $schemes:expr) => {
        static $name: Tls12CipherSuite = Tls12CipherSuite {
            common: common(CipherSuite::$suite),
            prf_provider: &PrfUsingHmac(&Sha),
            kx: KeyExchangeAlgorithm::ECDHE,
            sign: &$schemes,
            aead_alg: &$aead,
        };
    };
}

tls12!(ECDSA_AES, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, Aes128Gcm, SCHEMES);
tls12!(RSA_AES, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, Aes128Gcm, SCHEMES);
tls12!(ECDSA_CHACHA, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, ChaCha20Poly1305, SCHEMES);
tls12!(RSA_CHACHA, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, ChaCha20Poly1305, SCHEMES);

/// SHA-256, and HMAC with it.
struct Sha;

impl hash::Hash for Sha {
    fn start(&self) -> Box<dyn Context> {
        Box::new(Running(Sha256::new()))
    }

    fn hash(&self, data: &[u8]) -> Output {
        Output::new(&Sha256::digest(data))
    }

    fn output_len(&self) -> usize {
        HASH_LEN
    }

    fn algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }
}

struct Running(Sha256);

impl Context for Running {
    fn fork_finish(&self) -> Output {
        Output::new(&self.0.clone().finalize())
    }

    fn fork(&self) -> Box<dyn Context> {
        Box::new(Running(self.0.clone()))
    }

    fn finish(self: Box<Self>) -> Output {
        Output::new(&self.0.finalize())
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }
}

impl tls_hmac::Hmac for Sha {
    fn with_key(&self, key: &[u8]) -> Box<dyn tls_hmac::Key> {
        // Keys of any length are fine for HMAC (RFC 2104 section 2).
        Box::new(HmacKey(<Hmac<Sha256> as Mac>::new_from_slice(key).unwrap_or_else(|_| unreachable!())))
    }

    fn hash_output_len(&self) -> usize {
        HASH_LEN
    }
}

struct HmacKey(Hmac<Sha256>);

impl tls_hmac::Key for HmacKey {
    fn sign_concat(&self, first: &[u8], middle: &[&[u8]], last: &[u8]) -> Tag {
        let mut mac = self.0.clone();
        mac.update(first);
        middle.iter().for_each(|part| mac.update(part));
        mac.update(last);
        Tag::new(&mac.finalize().into_bytes())
    }

    fn tag_len(&self) -> usize {
        HASH_LEN
    }
}

/// The kernel's random numbers; no keys of our own.
#[derive(Debug)]
struct KernelRandom;

impl SecureRandom for KernelRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        crate::probe::random(bytes).map_err(|_| GetRandomFailed)
    }
}

impl KeyProvider for KernelRandom {
    fn load_private_key(&self, _key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("a probe has no certificate".into()))
    }
}

const HASH_LEN: usize = 32;
