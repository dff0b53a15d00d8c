//! `HOST`, `HOST:PORT` and `[HOST]:PORT` (RFC 3986 section 3.2): the one place that takes them apart.

/// A text that ends within its brackets, or goes on behind them with something else than a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadBrackets;

/// The host and the port of `text`, each unread. Without brackets a text with more than one colon is an IPv6
/// address, which can have a port in brackets only; a colon with nothing behind it makes an empty port.
///
/// # Errors
/// [`BadBrackets`].
pub(crate) fn split(text: &str) -> Result<(&str, Option<&str>), BadBrackets> {
    let Some(bracketed) = text.strip_prefix('[') else {
        return Ok(match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (text, None),
        });
    };
    let (host, behind) = bracketed.split_once(']').ok_or(BadBrackets)?;
    match behind.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if behind.is_empty() => Ok((host, None)),
        None => Err(BadBrackets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        for (text, host, port) in [
            ("pool.example", "pool.example", None),
            ("pool.example:3333", "pool.example", Some("3333")),
            ("192.0.2.0/24:nonweb", "192.0.2.0/24", Some("nonweb")),
            ("pool.example:", "pool.example", Some("")),
            ("2001:db8::1", "2001:db8::1", None),
            ("2001:db8::/32", "2001:db8::/32", None),
            ("[2001:db8::1]", "2001:db8::1", None),
            ("[2001:db8::/32]:443", "2001:db8::/32", Some("443")),
            ("", "", None),
        ] {
            assert_eq!(split(text), Ok((host, port)), "{text}");
        }
        for text in ["[", "[::1", "[::1]x", "[::1]443", "[::1:443"] {
            assert_eq!(split(text), Err(BadBrackets), "{text}");
        }
    }
}
