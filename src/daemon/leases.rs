//! Leases from the files of DHCP servers, as dnsmasq and odhcpd write them.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::intel::exemptions::mac;
use crate::limits::LEASES_FILE_MAX_BYTES;
use crate::util::bounded_read;

/// A lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    /// Hardware address; of DHCPv6 there is none.
    pub mac: Option<[u8; 6]>,
    /// Addresses.
    pub addrs: Vec<IpAddr>,
    /// The name that the host gave when it asked for it.
    pub name: Option<String>,
}

/// The leases in `files`, in their order. They are read at each detection: detections are rare, leases change.
pub(super) fn read(files: &[PathBuf]) -> Vec<Lease> {
    let mut leases = Vec::new();
    for path in files {
        if let Ok(text) = bounded_read::bytes(path, LEASES_FILE_MAX_BYTES) {
            leases.extend(String::from_utf8_lossy(&text).lines().filter_map(parse));
        }
    }
    leases
}

/// dnsmasq: `expiry mac address name client-id`; `*` stands for no name. odhcpd's comment lines
/// (`# iface duid iaid name expiry id length address/length...`) hold its leases; for IPv4 the third field is the MAC
/// and the fourth `ipv4`. A DUID may hold the MAC of another card of the host, so it is left alone.
pub(super) fn parse(line: &str) -> Option<Lease> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let name = |text: &str| {
        // odhcpd's mark of a name that it does not give out.
        let text = text.strip_prefix("broken\\x20").unwrap_or(text);
        (text != "*" && text != "-").then(|| text.to_owned())
    };
    if fields.first() == Some(&"#") {
        let addrs = fields.get(8..)?.iter().filter_map(|field| field.split('/').next()?.parse().ok());
        let hw_addr = if *fields.get(3)? == "ipv4" { plain_mac(fields.get(2)?) } else { None };
        return Some(Lease { mac: hw_addr, addrs: addrs.collect(), name: name(fields.get(4)?) });
    }
    let addr = fields.get(2)?.parse().ok()?;
    // For IPv6 dnsmasq writes another identifier in the place of a hardware address.
    Some(Lease { mac: mac(fields.get(1)?), addrs: vec![addr], name: name(fields.get(3)?) })
}

/// A MAC as odhcpd writes it: with colons (`ether_ntoa`, whose numbers may have one digit), or without in releases
/// before 2025-10.
fn plain_mac(text: &str) -> Option<[u8; 6]> {
    let mut bytes = [0; 6];
    let mut parts = text.split(':');
    for (at, byte) in bytes.iter_mut().enumerate() {
        let part = if text.contains(':') { parts.next()? } else { text.get(2 * at..2 * at + 2)? };
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    let is_whole = if text.contains(':') { parts.next().is_none() } else { text.len() == 12 };
    is_whole.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(mac: Option<[u8; 6]>, addrs: &[&str], name: Option<&str>) -> Option<Lease> {
        let addrs = addrs.iter().map(|addr| addr.parse().unwrap()).collect();
        Some(Lease { mac, addrs, name: name.map(str::to_owned) })
    }

    #[test]
    fn reads_both_formats() {
        let dnsmasq = "1763790000 02:00:5e:10:00:01 192.168.1.50 laptop 01:02:00:5e:10:00:01";
        let mac = Some([2, 0, 0x5e, 0x10, 0, 1]);
        assert_eq!(parse(dnsmasq), lease(mac, &["192.168.1.50"], Some("laptop")));
        assert_eq!(parse("1 02:00:5e:10:00:01 192.168.1.9 * *"), lease(mac, &["192.168.1.9"], None));
        assert_eq!(parse("1 12345678 fd00::9 tv 00:01"), lease(None, &["fd00::9"], Some("tv")));
        let odhcpd = "# br-lan 00010001 2c0e phone 1763790000 a2f 128 2001:db8::a2f/128 fd00::a2f/128";
        assert_eq!(parse(odhcpd), lease(None, &["2001:db8::a2f", "fd00::a2f"], Some("phone")));
        for hw_addr in ["02005e100001", "02:00:5E:10:00:01", "2:0:5e:10:0:1"] {
            let odhcpd =
                format!("# br-lan {hw_addr} ipv4 broken\\x20laptop 1763790000 c0a80132 32 192.168.1.50/32");
            assert_eq!(parse(&odhcpd), lease(mac, &["192.168.1.50"], Some("laptop")));
        }
        for hw_addr in ["", "02005e1000", "02005e10000102", "2:0:5e:10:0", "2:0:5e:10:0:1:2", "x:0:5e:10:0:1"]
        {
            assert_eq!(plain_mac(hw_addr), None, "{hw_addr}");
        }
    }

    #[test]
    fn broken_lines_and_missing_files_have_no_leases() {
        for line in ["", "#", "x y", "1 2 192.168.1.1", "1 02:00:5e:10:00:01 nowhere laptop *"] {
            assert_eq!(parse(line), None, "{line}");
        }
        assert_eq!(read(&[PathBuf::from("/nonexistent/leases")]), []);
    }
}
