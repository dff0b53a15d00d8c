"""Packages and feeds, unpacked and checked against what OpenWrt expects of them."""

import hashlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest
import zlib
from pathlib import Path

import adb_reader
import formats
import pack

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "target"
APK = TARGET / "apk3/apk"
NAMES = ["luci-app-minewall", "luci-i18n-minewall-de", "minewall"]
FILES = {
    "etc/capabilities/minewall-hooks.json": 0o644,
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
    "usr/share/minewall/notifiers/common.sh": 0o644,
    "usr/share/minewall/notifiers/mail": 0o644,
    "usr/share/minewall/notifiers/mqtt": 0o644,
    "usr/share/minewall/notifiers/ntfy": 0o644,
    "usr/share/minewall/notifiers/telegram": 0o644,
    "usr/share/minewall/notifiers/webhook": 0o644,
    "usr/share/minewall/notify.d/notifiers": 0o755,
    "usr/share/minewall/selftest": 0o755,
    "usr/share/minewall/suspension": 0o755,
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
        self.assertEqual(len(names("first")), 2 * len(NAMES) * len(pack.architectures()))
        for name in names("first"):
            first, second = ((self.scratch / out / name).read_bytes() for out in ("first", "second"))
            if name.suffix == ".apk":
                # No two signatures of a key on a curve are the same.
                first, second = ((file.tree, file.files) for file in map(adb_reader.File, (first, second)))
            self.assertEqual(first, second)

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

    def read_apk(self, data):
        """Read, and its signature checked by the public key that a router would have."""
        apk = adb_reader.File(data)
        self.assertTrue(apk.is_signed_by(self.keys / "minewall.pub.pem", self.scratch))
        self.assertEqual(apk.kind, b"pckg")
        self.assertEqual(apk.times, {pack.source_epoch()})
        self.assertEqual(set(apk.folders.values()), {0o755})
        info = apk.root["info"]
        self.assertEqual(info["installed-size"], sum(len(data) for _, data in apk.files.values()))
        return apk, info, {path: mode for path, (mode, _) in apk.files.items()}

    def test_apk(self):
        for architecture, target, data in self.packages("apk"):
            apk, info, modes = self.read_apk(data)
            self.assertEqual(modes, FILES | RECORDS)
            self.assertEqual(list(apk.root["scripts"]), ["post-install", "pre-deinstall", "post-upgrade"])
            for script in apk.root["scripts"].values():
                self.assertTrue(script.startswith(b"#!/bin/sh\n"))
            self.assertEqual(info["name"], b"minewall")
            self.assertRegex(info["version"].decode(), r"^\d+\.\d+\.\d+-r\d+$")
            self.assertEqual((info["arch"], info["license"]), (architecture.encode(), b"MIT"))
            self.assertEqual(info["depends"], [{"name": b"firewall4"}, {"name": b"kmod-nft-queue"}])
            contents = {path: data for path, (_, data) in apk.files.items()}
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
        apk, info, modes = self.read_apk(first)
        # No two signatures of a key on a curve are the same.
        self.assertEqual({adb_reader.File(other).tree for other in others}, {apk.tree})
        record = {"lib/apk/packages/luci-app-minewall.list": 0o644}
        self.assertEqual(modes, self.app_files() | record)
        self.assertEqual(info["arch"], b"noarch")
        self.assertEqual(info["depends"], [{"name": b"luci-base"}, {"name": b"minewall"}])

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
            folder = self.scratch / "first/apk" / architecture
            index = adb_reader.File((folder / "packages.adb").read_bytes())
            self.assertEqual(index.kind, b"indx")
            self.assertTrue(index.is_signed_by(self.keys / "minewall.pub.pem", self.scratch))
            packages = {package["name"].decode(): package for package in index.root["packages"]}
            self.assertEqual(list(packages), NAMES)
            for name, known in packages.items():
                data = (folder / f"{name}-{known['version'].decode()}.apk").read_bytes()
                package = adb_reader.File(data)
                self.assertEqual(known["file-size"], len(data))
                self.assertEqual(known["hashes"], hashlib.sha256(package.tree).digest())
                own = package.root["info"]
                differ = {field for field in own if own[field] != known[field]}
                self.assertEqual((differ, set(known) - set(own)), ({"hashes"}, {"file-size"}))


@unittest.skipUnless(APK.exists(), "no apk 3: openwrt/apk3.sh fetches it")
class RealApk(unittest.TestCase):
    """apk 3 takes the packages for its own."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = Path(tempfile.mkdtemp(prefix="minewall-apk-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        keys = cls.scratch / "keys"
        subprocess.run([HERE / "make-keys.sh", keys], check=True, stdout=subprocess.DEVNULL)
        pack_all = [HERE / "pack.py", "--keys", keys, "--out", cls.scratch / "out"]
        subprocess.run(pack_all, check=True, stdout=subprocess.DEVNULL)
        (cls.scratch / "trusted").mkdir()
        shutil.copy(keys / "minewall.pub.pem", cls.scratch / "trusted")

    def apk(self, *arguments, **environment):
        run = subprocess.run([APK, "--keys-dir", self.scratch / "trusted", *arguments], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, env=os.environ | environment)
        self.assertEqual(run.returncode, 0, run.stdout)
        return run.stdout

    def test_the_same_bytes_as_its_own(self):
        """But for the signatures: packages as `apk mkpkg` makes them of the same, and an index as `apk mkndx` does."""
        folder = self.scratch / "out/apk/mips_24kc"
        files = sorted(folder.glob("*.apk"))
        self.assertEqual(len(files), len(NAMES))
        for file in files:
            ours = adb_reader.File(file.read_bytes())
            root, scripts = self.scratch / "root", self.scratch / "scripts"
            shutil.rmtree(root, ignore_errors=True)
            scripts.mkdir(exist_ok=True)
            for path, mode in ours.folders.items():
                (root / path).mkdir()
                (root / path).chmod(mode)
            for path, (mode, data) in ours.files.items():
                (root / path).write_bytes(data)
                (root / path).chmod(mode)
            info = ours.root["info"]
            arguments = ["--info", "depends:" + " ".join(depend["name"].decode() for depend in info["depends"])]
            for field in ("name", "version", "description", "arch", "license", "origin", "maintainer", "url"):
                arguments += ["--info", f"{field}:{info[field].decode()}"] if field in info else []
            for name, text in ours.root["scripts"].items():
                (scripts / name).write_bytes(text)
                arguments += ["--script", f"{name}:{scripts / name}"]
            self.apk("mkpkg", *arguments, "--files", root, "--output", self.scratch / "own.apk",
                     SOURCE_DATE_EPOCH=str(pack.source_epoch()))
            own = adb_reader.File((self.scratch / "own.apk").read_bytes())
            self.assertEqual((own.tree, own.files), (ours.tree, ours.files), file.name)
        self.apk("mkndx", "--description", "minewall", "--output", self.scratch / "own.adb", *files)
        index = adb_reader.File((folder / "packages.adb").read_bytes())
        self.assertEqual(adb_reader.File((self.scratch / "own.adb").read_bytes()).root, index.root)

    def test_verifies_and_installs(self):
        for architecture, _ in pack.architectures():
            folder = self.scratch / "out/apk" / architecture
            files = sorted(folder.glob("*.apk"))
            self.assertEqual(self.apk("verify", *files).count(": OK\n"), len(NAMES))
            # What they depend on is OpenWrt's; their scripts need its shell.
            router = self.scratch / "router" / architecture
            router.mkdir(parents=True)
            self.apk("mkpkg", "--info", "name:openwrt", "--info", "version:1", "--info", "arch:noarch", "--info",
                     "provides:firewall4=1 kmod-nft-queue=1 luci-base=1", "--output", self.scratch / "openwrt.apk")
            there = ("--root", router, "--arch", architecture)
            offline = (*there, "--no-network", "--no-scripts", "--no-cache")
            self.apk("add", *offline, "--initdb", "--allow-untrusted", self.scratch / "openwrt.apk")
            feed = ("--repository", folder / "packages.adb")
            self.apk("add", *offline, *feed, "luci-i18n-minewall-de")
            self.assertEqual(self.apk("info", *there).split(), sorted(["openwrt", *NAMES]))
            package = adb_reader.File((folder / "minewall-0.1.0-r1.apk").read_bytes())
            for path, (mode, data) in package.files.items():
                self.assertEqual((router / path).read_bytes(), data)
                self.assertEqual((router / path).stat().st_mode & 0o7777, mode)
            # An upgrade keeps what the owner has changed in /etc.
            (router / "etc/config/minewall").write_text("config minewall 'main'\n")
            self.apk("fix", *offline, *feed, "--reinstall", "minewall")
            self.assertEqual((router / "etc/config/minewall").read_text(), "config minewall 'main'\n")
            self.apk("del", *offline, "luci-i18n-minewall-de", "luci-app-minewall", "minewall")
            self.assertFalse((router / "usr/sbin/minewall").exists())

    def test_refuses_what_was_changed(self):
        data = (self.scratch / "out/apk/x86_64/minewall-0.1.0-r1.apk").read_bytes()
        whole = bytearray(zlib.decompress(data[4:], -15))
        for place in (100, len(whole) - 100):
            changed = bytearray(whole)
            changed[place] ^= 1
            deflater = zlib.compressobj(1, zlib.DEFLATED, -15)
            file = self.scratch / "changed.apk"
            file.write_bytes(b"ADBd" + deflater.compress(bytes(changed)) + deflater.flush())
            run = subprocess.run([APK, "--keys-dir", self.scratch / "trusted", "verify", file], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            self.assertNotEqual(run.returncode, 0, place)


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
