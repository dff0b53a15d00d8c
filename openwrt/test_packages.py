"""Packages and feeds, unpacked and checked against what OpenWrt expects of them."""

import hashlib
import io
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

import formats
import pack

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "target"
FILES = {
    "etc/capabilities/minewall.json": 0o644,
    "etc/config/minewall": 0o600,
    "etc/init.d/minewall": 0o755,
    "etc/init.d/minewall-fleet": 0o755,
    "etc/uci-defaults/90-minewall": 0o755,
    "lib/upgrade/keep.d/minewall": 0o644,
    "usr/lib/lua/prometheus-collectors/minewall.lua": 0o644,
    "usr/libexec/rpcd/minewall": 0o755,
    "usr/sbin/minewall": 0o755,
    "usr/sbin/minewall-fleet": 0o755,
    "usr/sbin/minewall-update-lists": 0o755,
    "usr/share/minewall/firewall.include": 0o644,
    "usr/share/minewall/hooks/mail": 0o755,
    "usr/share/minewall/hooks/mqtt": 0o755,
    "usr/share/minewall/hooks/webhook": 0o755,
    "usr/share/minewall/validate": 0o644,
    "usr/share/rpcd/acl.d/minewall.json": 0o644,
}
RECORDS = {f"lib/apk/packages/minewall.{name}": 0o644 for name in ("list", "conffiles", "conffiles_static")}

# Of each target of cross/: machine, byte order, and a line of the floating-point ABI's.
ELF = {
    "mipsel": ("MIPS R3000", "little endian", "FP ABI: Soft float"),
    "mips": ("MIPS R3000", "big endian", "FP ABI: Soft float"),
    "armv7": ("ARM", "little endian", "Tag_ABI_VFP_args: VFP registers"),
    "arm": ("ARM", "little endian", None),
    "aarch64": ("AArch64", "little endian", None),
    "x86_64": ("Advanced Micro Devices X86-64", "little endian", None),
}


def archive(data):
    return tarfile.open(fileobj=io.BytesIO(data), mode="r:gz", ignore_zeros=True)


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Twice the same, with keys of the test's own."""
        cls.scratch = Path(tempfile.mkdtemp(prefix="minewall-packages-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.keys = cls.scratch / "keys"
        cls.keys.mkdir()
        subprocess.run([HERE / "make-keys.sh", cls.keys], check=True, stdout=subprocess.DEVNULL)
        for out in ("first", "second"):
            run = [HERE / "pack.py", "--keys", cls.keys, "--out", cls.scratch / out]
            subprocess.run(run, check=True, stdout=subprocess.DEVNULL)

    def packages(self, form):
        """(architecture, target, bytes) of each."""
        folder = self.scratch / "first" / form
        return [(architecture, target, next((folder / architecture).glob(f"minewall[_-]*.{form}")).read_bytes())
                for architecture, target in pack.architectures()]

    def apps(self, form):
        """The LuCI app in each architecture's feed."""
        return [next((self.scratch / "first" / form / architecture).glob(f"luci-app-minewall[_-]*.{form}")).read_bytes()
                for architecture, _ in pack.architectures()]

    def check_files(self, data, prefix, expected):
        with archive(data) as files:
            entries = list(files)
        for info in entries:
            self.assertEqual((info.uid, info.gid), (0, 0), info.name)
            self.assertEqual(info.mtime, pack.source_epoch(), info.name)
            if info.isdir():
                self.assertEqual(info.mode, 0o755, info.name)
        modes = {info.name.removeprefix(prefix): info.mode for info in entries if info.isfile()}
        self.assertEqual(modes, expected)

    def test_twice_the_same_bytes(self):
        names = lambda out: sorted(path.relative_to(self.scratch / out) for path in (self.scratch / out).rglob("*.*pk"))
        self.assertEqual(names("first"), names("second"))
        self.assertEqual(len(names("first")), 2 * 3 * len(pack.architectures()))
        for name in names("first"):
            self.assertEqual((self.scratch / "first" / name).read_bytes(), (self.scratch / "second" / name).read_bytes())

    def test_ipk(self):
        for architecture, target, ipk in self.packages("ipk"):
            with archive(ipk) as outer:
                self.assertEqual(outer.getnames(), ["./debian-binary", "./data.tar.gz", "./control.tar.gz"])
            parts = formats.members(ipk)
            self.assertEqual(parts["./debian-binary"], b"2.0\n")
            self.check_files(parts["./data.tar.gz"], "./", FILES)
            control = formats.members(parts["./control.tar.gz"])
            self.assertEqual(sorted(control), ["./conffiles", "./control", "./postinst", "./prerm", "./prerm-pkg"])
            self.assertEqual(control["./conffiles"], b"/etc/config/minewall\n")
            fields = dict(re.findall(r"^([A-Za-z-]+): *(.*)$", control["./control"].decode(), re.M))
            self.assertEqual(fields["Package"], "minewall")
            self.assertRegex(fields["Version"], r"^\d+\.\d+\.\d+-r\d+$")
            self.assertEqual(fields["Architecture"], architecture)
            self.assertEqual(fields["Depends"], "firewall4, kmod-nft-queue")
            self.assertEqual(fields["License"], "MIT")
            self.assertTrue(fields["Description"])
            size = sum(len(data) for data in formats.members(parts["./data.tar.gz"]).values())
            self.assertEqual(int(fields["Installed-Size"]), size)
            self.check_program(formats.members(parts["./data.tar.gz"])["./usr/sbin/minewall"], target)

    def test_apk(self):
        for architecture, target, apk in self.packages("apk"):
            signature, control, data = formats.gzip_members(apk)
            self.check_signature(signature, control)
            self.check_files(data, "", FILES | RECORDS)
            parts = formats.members(control)
            self.assertEqual(sorted(parts), [".PKGINFO", ".post-install", ".post-upgrade", ".pre-deinstall"])
            info = [line.split(" = ", 1) for line in parts[".PKGINFO"].decode().splitlines()]
            fields = dict(info)
            self.assertEqual(fields["pkgname"], "minewall")
            self.assertRegex(fields["pkgver"], r"^\d+\.\d+\.\d+-r\d+$")
            self.assertEqual(fields["arch"], architecture)
            self.assertEqual([text for name, text in info if name == "depend"], ["firewall4", "kmod-nft-queue"])
            self.assertEqual(fields["datahash"], hashlib.sha256(data).hexdigest())
            with archive(data) as files:
                for entry in files:
                    if entry.isfile():
                        digest = hashlib.sha1(files.extractfile(entry).read()).hexdigest()
                        self.assertEqual(entry.pax_headers["APK-TOOLS.checksum.SHA1"], digest)
            contents = formats.members(data)
            listed = contents["lib/apk/packages/minewall.list"].decode().split()
            self.assertEqual(listed, sorted("/" + name for name in FILES))
            digest = hashlib.sha256(contents["etc/config/minewall"]).hexdigest()
            static = contents["lib/apk/packages/minewall.conffiles_static"].decode()
            self.assertEqual(static, f"/etc/config/minewall {digest}\n")
            self.check_program(contents["usr/sbin/minewall"], target)

    def app_files(self):
        """What LuCI's build makes of the app's folder, and with which modes."""
        app = HERE / "luci-app-minewall"
        files = {}
        for folder, place in (("htdocs", "www/"), ("root", "")):
            for path in (app / folder).rglob("*"):
                if path.is_file():
                    mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                    files[place + path.relative_to(app / folder).as_posix()] = mode
        return files

    def test_app_for_opkg(self):
        first, *others = self.apps("ipk")
        self.assertEqual(set(others), {first})
        parts = formats.members(first)
        self.check_files(parts["./data.tar.gz"], "./", self.app_files())
        control = formats.members(parts["./control.tar.gz"])
        self.assertEqual(sorted(control), ["./control", "./postinst", "./postinst-pkg", "./prerm"])
        fields = dict(re.findall(r"^([A-Za-z-]+): *(.*)$", control["./control"].decode(), re.M))
        self.assertEqual((fields["Package"], fields["Architecture"]), ("luci-app-minewall", "all"))
        self.assertEqual(fields["Depends"], "luci-base, minewall")
        self.assertIn(b"rpcd reload", control["./postinst-pkg"])

    def test_app_for_apk(self):
        first, *others = self.apps("apk")
        # RSA signatures of PKCS 1 are the same for the same bytes, too.
        self.assertEqual(set(others), {first})
        signature, control, data = formats.gzip_members(first)
        self.check_signature(signature, control)
        record = {"lib/apk/packages/luci-app-minewall.list": 0o644}
        self.check_files(data, "", self.app_files() | record)
        info = formats.members(control)[".PKGINFO"].decode()
        self.assertIn("\narch = noarch\n", info)
        self.assertIn("\ndepend = luci-base\ndepend = minewall\n", info)

    def check_signature(self, member, signed):
        """By the public key that a router would have, under the name that the signature gives."""
        ((name, signature),) = formats.members(member).items()
        public = self.keys / name.removeprefix(".SIGN.RSA256.")
        (self.scratch / "signature").write_bytes(signature)
        verify = ["openssl", "dgst", "-sha256", "-verify", public, "-signature", self.scratch / "signature"]
        self.assertEqual(subprocess.run(verify, input=signed, stdout=subprocess.DEVNULL).returncode, 0)

    def check_program(self, program, target):
        """The right machine, byte order and float ABI; static, and with no symbols."""
        file = self.scratch / "program"
        file.write_bytes(program)
        machine, order, floats = ELF[target]
        header = output("readelf", "-hW", file)
        self.assertRegex(header, rf"Machine: +{re.escape(machine)}", target)
        self.assertIn(order, header)
        abi = output("readelf", "-A", file)
        if floats:
            self.assertIn(floats, abi)
        if target == "arm":
            self.assertIn("soft-float ABI", header)
            self.assertNotIn("Tag_ABI_VFP_args", abi)
        if target == "armv7":
            self.assertIn("hard-float ABI", header)
        self.assertNotRegex(output("readelf", "-lW", file), "INTERP|DYNAMIC")
        self.assertNotIn("SYMTAB", output("readelf", "-SW", file))

    def test_feed_of_opkg(self):
        for architecture, _, ipk in self.packages("ipk"):
            folder = self.scratch / "first/ipk" / architecture
            index = (folder / "Packages").read_text()
            self.assertIn(f"\nFilename: minewall_0.1.0-r1_{architecture}.ipk\nSize: {len(ipk)}\n", index)
            self.assertIn(f"\nSHA256sum: {hashlib.sha256(ipk).hexdigest()}\n", index)
            self.assertEqual(output("zcat", folder / "Packages.gz"), index)
            verify = ["signify-openbsd", "-V", "-q", "-p", self.keys / "minewall.pub", "-m", folder / "Packages"]
            subprocess.run([*verify, "-x", folder / "Packages.sig"], check=True)

    def test_feed_of_apk(self):
        for architecture, _, apk in self.packages("apk"):
            signature, index = formats.gzip_members(
                (self.scratch / "first/apk" / architecture / "APKINDEX.tar.gz").read_bytes())
            self.check_signature(signature, index)
            stanzas = formats.members(index)["APKINDEX"].decode().strip().split("\n\n")
            app, german, stanza = (dict(line.split(":", 1) for line in text.split("\n")) for text in stanzas)
            self.assertEqual((app["P"], app["A"], app["D"]), ("luci-app-minewall", "noarch", "luci-base minewall"))
            self.assertEqual((german["P"], german["A"], german["D"]),
                             ("luci-i18n-minewall-de", "noarch", "luci-app-minewall"))
            self.assertEqual((stanza["P"], stanza["V"], stanza["A"]), ("minewall", "0.1.0-r1", architecture))
            self.assertEqual(int(stanza["S"]), len(apk))
            self.assertRegex(stanza["C"], r"^Q1[A-Za-z0-9+/]{27}=$")
            self.assertEqual(stanza["D"], "firewall4 kmod-nft-queue")


class Description(unittest.TestCase):
    makefile = (HERE / "minewall/Makefile").read_text()

    def test_form(self):
        """What the feed's reviewers look for: literal names, two spaces in metadata, tabs in recipes."""
        for block in re.findall(r"^(?:define|\$\(eval) .*", self.makefile, re.M):
            self.assertNotIn("$(PKG_NAME)", block)
        metadata = re.search(r"^define Package/minewall\n(.*?)^endef", self.makefile, re.M | re.S)[1]
        self.assertRegex(metadata, r"\A(  \S.*\n)+\Z")
        install = re.search(r"^define Package/minewall/install\n(.*?)^endef", self.makefile, re.M | re.S)[1]
        self.assertRegex(install, r"\A(\t\S.*\n)+\Z")


if __name__ == "__main__":
    unittest.main()
