//! Record protection: nonce and associated data as TLS 1.3 (RFC 8446 section 5.2) and TLS 1.2 (RFC 5288
//! for AES-GCM, RFC 7905 for ChaCha20-Poly1305) want them, around RustCrypto's AEADs.

use aes_gcm::aead::{AeadInPlace, KeyInit};
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, NONCE_LEN, Nonce, OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload,
    Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError, make_tls12_aad, make_tls13_aad,
};
use rustls::{ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion};

pub(super) struct Aes128Gcm;
pub(super) struct ChaCha20Poly1305;

/// Construction of the nonce by version and AEAD, and the part of it that records carry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NonceForm {
    Tls13,
    /// Four secret bytes, eight on the wire.
    Tls12Gcm,
    Tls12ChaCha,
}

struct RecordKeys<A> {
    aead: A,
    iv: Iv,
    form: NonceForm,
}

/// rustls asks for the length of a key before it makes one, so the key always fits.
fn record<A: AeadInPlace + KeyInit + Send + Sync + 'static>(
    key: &AeadKey,
    iv: Iv,
    form: NonceForm,
) -> Box<RecordKeys<A>> {
    let aead = A::new_from_slice(key.as_ref()).unwrap_or_else(|_| unreachable!());
    Box::new(RecordKeys { aead, iv, form })
}

impl<A: AeadInPlace + Send + Sync> MessageEncrypter for RecordKeys<A> {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        seq: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let len = self.encrypted_payload_len(message.payload.len());
        let mut payload = PrefixedPayload::with_capacity(len);
        let nonce = Nonce::new(&self.iv, seq).0;
        let explicit = self.explicit_len();
        if explicit > 0 {
            payload.extend_from_slice(&nonce[NONCE_LEN - explicit..]);
        }
        payload.extend_from_chunks(&message.payload);
        let (typ, version, aad) = if self.form == NonceForm::Tls13 {
            payload.extend_from_slice(&message.typ.to_array());
            let aad = make_tls13_aad(len).to_vec();
            (ContentType::ApplicationData, ProtocolVersion::TLSv1_2, aad)
        } else {
            let aad = make_tls12_aad(seq, message.typ, message.version, message.payload.len()).to_vec();
            (message.typ, message.version, aad)
        };
        let text = payload.as_mut().get_mut(explicit..).ok_or(Error::EncryptError)?;
        let tag = self
            .aead
            .encrypt_in_place_detached(nonce[..].into(), &aad, text)
            .map_err(|_| Error::EncryptError)?;
        payload.extend_from_slice(&tag);
        Ok(OutboundOpaqueMessage::new(typ, version, payload))
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        let content_type = usize::from(self.form == NonceForm::Tls13);
        self.explicit_len() + payload_len + content_type + TAG_LEN
    }
}

impl<A: AeadInPlace + Send + Sync> MessageDecrypter for RecordKeys<A> {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        seq: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let explicit = self.explicit_len();
        let payload = &mut message.payload;
        let text_len = payload.len().checked_sub(explicit + TAG_LEN).ok_or(Error::DecryptError)?;
        let mut nonce = Nonce::new(&self.iv, seq).0;
        if explicit > 0 {
            nonce[..NONCE_LEN - explicit].copy_from_slice(&self.iv.as_ref()[..NONCE_LEN - explicit]);
            nonce[NONCE_LEN - explicit..].copy_from_slice(&payload[..explicit]);
        }
        let aad = match self.form {
            NonceForm::Tls13 => make_tls13_aad(payload.len()).to_vec(),
            NonceForm::Tls12Gcm | NonceForm::Tls12ChaCha => {
                make_tls12_aad(seq, message.typ, message.version, text_len).to_vec()
            }
        };
        let (text, tag) = payload[explicit..].split_at_mut(text_len);
        self.aead
            .decrypt_in_place_detached(nonce[..].into(), &aad, text, (&*tag).into())
            .map_err(|_| Error::DecryptError)?;
        if self.form == NonceForm::Tls13 {
            payload.truncate(text_len);
            return message.into_tls13_unpadded_message();
        }
        Ok(message.into_plain_message_range(explicit..explicit + text_len))
    }
}

impl<A> RecordKeys<A> {
    fn explicit_len(&self) -> usize {
        if self.form == NonceForm::Tls12Gcm { GCM_EXPLICIT_NONCE_LEN } else { 0 }
    }
}

macro_rules! tls13 {
    ($name:ident, $aead:ty, $key_len:literal) => {
        impl Tls13AeadAlgorithm for $name {
            fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
                record::<$aead>(&key, iv, NonceForm::Tls13)
            }

            fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
                record::<$aead>(&key, iv, NonceForm::Tls13)
            }

            fn key_len(&self) -> usize {
                $key_len
            }

            fn extract_keys(
                &self,
                _key: AeadKey,
                _iv: Iv,
            ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
                Err(UnsupportedOperationError)
            }
        }
    };
}

macro_rules! tls12 {
    ($name:ident, $aead:ty, $form:expr, $shape:expr) => {
        impl Tls12AeadAlgorithm for $name {
            fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn MessageEncrypter> {
                record::<$aead>(&key, whole_iv(iv, extra), $form)
            }

            fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
                record::<$aead>(&key, whole_iv(iv, &[]), $form)
            }

            fn key_block_shape(&self) -> KeyBlockShape {
                $shape
            }

            fn extract_keys(
                &self,
                _key: AeadKey,
                _iv: &[u8],
                _explicit: &[u8],
            ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
                Err(UnsupportedOperationError)
            }
        }
    };
}

tls13!(Aes128Gcm, aes_gcm::Aes128Gcm, 16);
tls13!(ChaCha20Poly1305, chacha20poly1305::ChaCha20Poly1305, 32);
tls12!(
    Aes128Gcm,
    aes_gcm::Aes128Gcm,
    NonceForm::Tls12Gcm,
    KeyBlockShape {
        enc_key_len: 16,
        fixed_iv_len: NONCE_LEN - GCM_EXPLICIT_NONCE_LEN,
        explicit_nonce_len: GCM_EXPLICIT_NONCE_LEN
    }
);
tls12!(
    ChaCha20Poly1305,
    chacha20poly1305::ChaCha20Poly1305,
    NonceForm::Tls12ChaCha,
    KeyBlockShape { enc_key_len: 32, fixed_iv_len: NONCE_LEN, explicit_nonce_len: 0 }
);

/// The parts of a key block one after the other, zeros where there is none.
fn whole_iv(fixed: &[u8], explicit: &[u8]) -> Iv {
    let mut iv = [0; NONCE_LEN];
    iv.iter_mut().zip(fixed.iter().chain(explicit)).for_each(|(to, from)| *to = *from);
    Iv::new(iv)
}

const TAG_LEN: usize = 16;
/// RFC 5288 section 3.
const GCM_EXPLICIT_NONCE_LEN: usize = 8;
