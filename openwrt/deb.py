"""A package for Debian 12 and Raspberry Pi OS as routers, byte for byte the same for the same contents."""

import hashlib
from pathlib import Path

import formats

HERE = Path(__file__).resolve().parent
CONTROL = """\
Package: minewall
Version: {version}
Architecture: {architecture}
Maintainer: The minewall developers <maintainers@minewall.example>
Installed-Size: {kilobytes}
Depends: {depends}
Suggests: conntrack
Section: net
Priority: optional
Homepage: https://minewall.example
Description: firewall against cryptomining
 Cuts off malware that mines cryptocurrency on the machines behind a router:
 reads the mining protocols in the packets themselves, blocks on proof only,
 fails open, and says which host it was.
"""
# systemd's own helpers decide about starting and enabling, as for every service of Debian's.
POSTINST = """\
#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
if [ -x /usr/bin/deb-systemd-helper ]; then
	deb-systemd-helper unmask minewall.service >/dev/null || true
	if deb-systemd-helper --quiet was-enabled minewall.service; then
		deb-systemd-helper enable minewall.service >/dev/null || true
	else
		deb-systemd-helper update-state minewall.service >/dev/null || true
	fi
fi
if [ -d /run/systemd/system ]; then
	systemctl --system daemon-reload >/dev/null || true
	if [ -n "$2" ]; then action=restart; else action=start; fi
	deb-systemd-invoke "$action" minewall.service >/dev/null || true
fi
"""
PRERM = """\
#!/bin/sh
set -e
[ "$1" = remove ] || exit 0
if [ -d /run/systemd/system ]; then deb-systemd-invoke stop minewall.service >/dev/null || true; fi
"""
POSTRM = """\
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl --system daemon-reload >/dev/null || true; fi
if [ "$1" = purge ]; then
	rm -rf /etc/minewall /var/log/minewall /var/lib/minewall
	if [ -x /usr/bin/deb-systemd-helper ]; then deb-systemd-helper purge minewall.service >/dev/null || true; fi
fi
"""


def files(program, version):
    """(name below /, mode, bytes) of all that is installed."""
    licence = (HERE.parent / "LICENSE").read_bytes()
    changes = f"minewall ({version}) stable; urgency=medium\n".encode()
    return [
        ("etc/config/minewall", 0o600, (HERE / "minewall/files/minewall.conf").read_bytes()),
        ("lib/systemd/system/minewall.service", 0o644, (HERE / "debian/minewall.service").read_bytes()),
        ("usr/lib/minewall/rules", 0o755, (HERE / "debian/rules").read_bytes()),
        ("usr/sbin/minewall", 0o755, program.read_bytes()),
        ("usr/share/minewall/selftest", 0o755, (HERE / "minewall/files/selftest").read_bytes()),
        ("usr/share/doc/minewall/changelog.gz", 0o644, formats.zipped(changes)),
        ("usr/share/doc/minewall/copyright", 0o644, licence),
    ]


def with_folders(entries):
    """The same, with each folder before what it holds."""
    known = {"."}
    for name, mode, data in sorted(entries):
        for folder in reversed([str(parent) for parent in Path(name).parents]):
            if folder not in known:
                known.add(folder)
                yield f"./{folder}/", 0o755, None
        yield f"./{name}", mode, data


def ar(members, epoch):
    """An archive of ar(1), in the common format."""
    out = b"!<arch>\n"
    for name, data in members:
        out += f"{name:<16}{epoch:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data
        out += b"\n" * (len(data) % 2)
    return out


def write(out, architecture, program, version, epoch, depends="nftables"):
    """Writes the package into folder `out`. A program of cross/ is static; others depend on what they are linked with."""
    entries = files(program, version)
    kilobytes = sum(len(data) + 1023 for _, _, data in entries) // 1024
    control = {
        "conffiles": (0o644, "/etc/config/minewall\n"),
        "control": (0o644, CONTROL.format(version=version, architecture=architecture, depends=depends,
                                         kilobytes=kilobytes)),
        "md5sums": (0o644, "".join(f"{hashlib.md5(data).hexdigest()}  {name}\n" for name, _, data in entries
                                   if not name.startswith("etc/"))),
        "postinst": (0o755, POSTINST),
        "postrm": (0o755, POSTRM),
        "prerm": (0o755, PRERM),
    }
    root = [("./", 0o755, None)]
    control = root + [(f"./{name}", mode, text.encode()) for name, (mode, text) in control.items()]
    members = [
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", formats.zipped(formats.tar(control, epoch))),
        ("data.tar.gz", formats.zipped(formats.tar([*root, *with_folders(entries)], epoch))),
    ]
    file = out / f"minewall_{version}_{architecture}.deb"
    file.write_bytes(ar(members, epoch))
    print(f"{architecture}: {file.name} {file.stat().st_size}")
