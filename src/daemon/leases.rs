//! Host names from DHCP leases files, as dnsmasq and odhcpd write them.

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::limits::LEASES_FILE_MAX_BYTES;

/// The name that the host at `addr` gave when it asked for its lease. Files are asked in order and
/// read at each detection: detections are rare, leases change.
pub fn host_name(files: &[PathBuf], addr: IpAddr) -> Option<String> {
    files.iter().find_map(|path| {
        let mut text = Vec::new();
        File::open(path).ok()?.take(LEASES_FILE_MAX_BYTES).read_to_end(&mut text).ok()?;
        String::from_utf8_lossy(&text).lines().find_map(|line| lease(line, addr))
    })
}

/// dnsmasq: `expiry mac address name client-id`; `*` stands for no name. odhcpd's comment lines
/// (`# iface duid iaid name expiry id length address/length...`) hold the IPv6 addresses.
fn lease(line: &str, addr: IpAddr) -> Option<String> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let name = if fields.first() == Some(&"#") {
        let mut addrs = fields.get(8..)?.iter().filter_map(|field| field.split('/').next());
        addrs.any(|field| field.parse() == Ok(addr)).then(|| fields.get(4).copied())??
    } else {
        (fields.get(2)?.parse() == Ok(addr)).then(|| fields.get(3).copied())??
    };
    (name != "*" && name != "-").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_formats() {
        let dnsmasq = "1763790000 02:00:5e:10:00:01 192.168.1.50 laptop 01:02:00:5e:10:00:01";
        assert_eq!(lease(dnsmasq, "192.168.1.50".parse().unwrap()).as_deref(), Some("laptop"));
        assert_eq!(lease(dnsmasq, "192.168.1.5".parse().unwrap()), None);
        assert_eq!(lease("1 02:00:5e:10:00:01 192.168.1.9 * *", "192.168.1.9".parse().unwrap()), None);
        let odhcpd = "# br-lan 00010001 2c0e phone 1763790000 a2f 128 2001:db8::a2f/128 fd00::a2f/128";
        assert_eq!(lease(odhcpd, "fd00::a2f".parse().unwrap()).as_deref(), Some("phone"));
        assert_eq!(lease(odhcpd, "fd00::a2e".parse().unwrap()), None);
    }

    #[test]
    fn broken_lines_and_missing_files_have_no_names() {
        for line in ["", "#", "# a b c d e f g", "x y", "1 2 192.168.1.1"] {
            assert_eq!(lease(line, "192.168.1.1".parse().unwrap()), None, "{line}");
        }
        let missing = [PathBuf::from("/nonexistent/leases")];
        assert_eq!(host_name(&missing, "192.168.1.1".parse().unwrap()), None);
    }
}
