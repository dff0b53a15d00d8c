"""The package's life on a router: installed, reconfigured, upgraded over an edited configuration, removed, as both
package managers do it with the packages that were built. See router.py for what is modelled.
"""

import io
import tarfile
import unittest
from pathlib import Path

import adb_reader
import formats
import router

HERE = Path(__file__).resolve().parent
PACKAGES = HERE.parent / "target/packages"
ARCHITECTURE = "x86_64"
INFO = "usr/lib/opkg/info"


class Router(router.Router):
    # What the package managers do, as far as a package can notice.

    def unpack(self, files, conffiles):
        """Files (path, mode, bytes) into the root; a configuration that is there stays, the new one beside it, whose
        name ends as the package manager has it."""
        for path, mode, data in files:
            at = self.root / path
            if path in conffiles and at.exists():
                at = at.with_name(at.name + conffiles[path])
            at.parent.mkdir(parents=True, exist_ok=True)
            at.unlink(missing_ok=True)
            at.write_bytes(data)
            at.chmod(mode)

    def opkg_install(self, upgrade=False):
        variables = {"PKG_UPGRADE": "1"} if upgrade else {}
        ipk = next((PACKAGES / "ipk" / ARCHITECTURE).glob("minewall_*.ipk")).read_bytes()
        control = formats.members(formats.members(ipk)["./control.tar.gz"])
        if upgrade:
            self.check(f"/{INFO}/minewall.prerm upgrade", **variables)
        with tarfile.open(fileobj=io.BytesIO(formats.members(ipk)["./data.tar.gz"]), mode="r:gz") as archive:
            files = [(info.name.removeprefix("./"), info.mode, archive.extractfile(info).read())
                     for info in archive if info.isfile()]
        self.unpack(files, {path[1:]: "-opkg" for path in control["./conffiles"].decode().split()})
        self.write(f"{INFO}/minewall.list", "".join(f"/{path}\n" for path, *_ in files))
        for name, text in control.items():
            file = self.root / INFO / f"minewall.{name.removeprefix('./')}"
            file.write_bytes(text)
            file.chmod(0o755)
        self.check(f"/{INFO}/minewall.postinst configure", **variables)

    def opkg_remove(self):
        self.check(f"/{INFO}/minewall.prerm remove")

    def apk_install(self, upgrade=False):
        apk = adb_reader.File(next((PACKAGES / "apk" / ARCHITECTURE).glob("minewall-*.apk")).read_bytes())
        self.scripts = apk.root["scripts"]
        files = [(path, mode, data) for path, (mode, data) in apk.files.items()]
        self.unpack(files, {path: ".apk-new" for path in apk.files if path.startswith("etc/")} if upgrade else {})
        self.apk_script("post-upgrade" if upgrade else "post-install")

    def apk_remove(self):
        self.apk_script("pre-deinstall")

    def apk_script(self, name):
        self.write("tmp/script", self.scripts[name].decode())
        self.check("sh /tmp/script")


class Life(unittest.TestCase):
    def setUp(self):
        self.router = Router()
        self.addCleanup(self.router.off)

    def live(self, install, remove, new):
        there = self.router
        install()
        # The daemon runs, and the rules came when its queue was bound.
        self.assertTrue(there.alive(there.pid()))
        self.assertEqual(there.read("var/log/nft"), "load of {}, bound {}\n".format(*router.queues()))
        self.assertEqual(there.read("etc/rc.d/S21minewall"), there.read("etc/init.d/minewall"))
        self.assertFalse((there.root / "etc/uci-defaults/90-minewall").exists())
        there.check("fw4 reload")
        self.assertIn("queue 1330", there.table())

        default = there.read("etc/config/minewall")
        there.edit("#option queue '1330'", "option queue '7'")
        edited = there.read("etc/config/minewall")
        first = there.pid()
        install(upgrade=True)
        self.assertEqual(there.read("etc/config/minewall"), edited)
        self.assertEqual(there.read(f"etc/config/minewall{new}"), default)
        there.wait_until_gone(first)
        self.assertTrue(there.alive(there.pid()))
        self.assertIn("queue 7", there.table())
        self.assertEqual(there.check("uci get firewall.minewall.type"), "script\n")

        last = there.pid()
        remove()
        there.wait_until_gone(last)
        self.assertEqual(list((there.root / "etc/rc.d").iterdir()), [])
        self.assertEqual(there.tables(), ["inet fw4\n"])
        self.assertNotIn("minewall", there.read("etc/config/firewall"))

    def test_life_under_opkg(self):
        self.live(self.router.opkg_install, self.router.opkg_remove, "-opkg")

    def test_life_under_apk(self):
        self.live(self.router.apk_install, self.router.apk_remove, ".apk-new")


if __name__ == "__main__":
    unittest.main()
