//! Findings: the parts of a proof, for the event that names the host.

use super::signatures::Dialect;

/// A proven mining session, as far as the wire tells. All texts are printable ASCII without quotes
/// and backslashes for any bytes on the wire: others stand as `%1b`.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    /// The protocol spoken.
    pub dialect: Option<Dialect>,
    /// Coin or algorithm, where a message names one ("rx/0", "kawpow", "ETH").
    pub coin: heapless::String<24>,
    /// The miner's own name and version, escaped.
    pub agent: heapless::String<64>,
    /// Wallet or user name, shortened: it identifies without leaking.
    pub wallet: heapless::String<24>,
    /// Evidence in the field's words: "mining.subscribe from the client".
    pub evidence: heapless::String<96>,
    /// A message of the server took part in it.
    pub server_answered: bool,
}

impl Finding {
    /// A session that was not read but classified by something else, for the reason `why`.
    pub fn of(dialect: Option<Dialect>, why: &str) -> Self {
        let mut finding = Finding { dialect, ..Finding::default() };
        push_escaped(&mut finding.evidence, why.as_bytes());
        finding
    }
}

/// Appends `bytes`, escaped; what doesn't fit is cut off, never inside an escape.
pub(crate) fn push_escaped<const N: usize>(text: &mut heapless::String<N>, bytes: &[u8]) {
    for &byte in bytes {
        let pushed = match byte {
            b'"' | b'\\' | b'%' => push_percent(text, byte),
            b' '..=b'~' => text.push(char::from(byte)).is_ok(),
            _ => push_percent(text, byte),
        };
        if !pushed {
            return;
        }
    }
}

/// Appends `account.worker` so that a known wallet can be recognised, but not paid: of a long account
/// the first six and the last four letters, of the worker the first eight.
pub(super) fn push_shortened<const N: usize>(text: &mut heapless::String<N>, bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| matches!(byte, b'.' | b'/' | b'+'));
    let account = parts.next().unwrap_or_default();
    match (account.first_chunk::<6>(), account.last_chunk::<4>()) {
        (Some(head), Some(tail)) if account.len() > ACCOUNT_BYTES => {
            push_escaped(text, head);
            push_escaped(text, b"..");
            push_escaped(text, tail);
        }
        _ => push_escaped(text, account),
    }
    if let Some(worker) = parts.next() {
        push_escaped(text, b".");
        push_escaped(text, worker.get(..WORKER_BYTES).unwrap_or(worker));
    }
}

fn push_percent<const N: usize>(text: &mut heapless::String<N>, byte: u8) -> bool {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('?');
    let escape = ['%', digit(byte >> 4), digit(byte & 15)];
    text.len() + escape.len() <= N && escape.iter().all(|&letter| text.push(letter).is_ok())
}

/// Account names up to this length are user names rather than wallets, and stand in full.
const ACCOUNT_BYTES: usize = 12;
const WORKER_BYTES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(bytes: &[u8]) -> String {
        let mut text = heapless::String::<24>::new();
        push_shortened(&mut text, bytes);
        text.as_str().into()
    }

    #[test]
    fn wallets_are_shortened_and_user_names_are_not() {
        assert_eq!(shortened(b"0xd8b37d9982e71d2ed3f656b111811d5e97f6eec4"), "0xd8b3..eec4");
        assert_eq!(shortened(b"bc1qcrsk8wwmfaumqtlstm2clpacavsdu6smr0eyds.rig1"), "bc1qcr..eyds.rig1");
        assert_eq!(shortened(b"user647.a-worker-with-a-long-name"), "user647.a-worker");
        assert_eq!(shortened(b"x"), "x");
        assert_eq!(shortened(b""), "");
    }

    #[test]
    fn hostile_bytes_are_escaped_and_never_cut_in_half() {
        let mut text = heapless::String::<8>::new();
        push_escaped(&mut text, b"a\x1b\"\\\n");
        assert_eq!(text, "a%1b%22");
        let mut text = heapless::String::<4>::new();
        push_escaped(&mut text, "né".as_bytes());
        assert_eq!(text, "n%c3");
        for byte in 0..=u8::MAX {
            let mut text = heapless::String::<8>::new();
            push_escaped(&mut text, &[byte]);
            assert!(text.chars().all(|letter| (' '..='~').contains(&letter) && !"\"\\".contains(letter)));
            assert!(!text.is_empty());
        }
    }
}
