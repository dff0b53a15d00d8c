"""The package's life on a router: installed, reconfigured, upgraded over an edited configuration, removed, as both
package managers do it with the packages that were built. See router.py for what is modelled.
"""

import io
import tarfile
import unittest
from pathlib import Path

import formats
import router

HERE = Path(__file__).resolve().parent
PACKAGES = HERE.parent / "target/packages"
ARCHITECTURE = "x86_64"
INFO = "usr/lib/opkg/info"


class Router(router.Router):
    # What the package managers do, as far as a package can notice.

    def unpack(self, archive, conffiles):
        """Files into the root; a configuration that is there stays, the new one beside it."""
        names = []
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz", ignore_zeros=True) as files:
            for info in files:
                if not info.isfile():
                    continue
                path = "/" + info.name.removeprefix("./")
                names.append(path)
                at = self.root / path[1:]
                if path in conffiles and at.exists():
                    at = at.with_name(at.name + ".new")
                at.parent.mkdir(parents=True, exist_ok=True)
                at.unlink(missing_ok=True)
                at.write_bytes(files.extractfile(info).read())
                at.chmod(info.mode)
        return names

    def opkg_install(self, upgrade=False):
        variables = {"PKG_UPGRADE": "1"} if upgrade else {}
        ipk = next((PACKAGES / "ipk" / ARCHITECTURE).glob("minewall_*.ipk")).read_bytes()
        control = formats.members(formats.members(ipk)["./control.tar.gz"])
        if upgrade:
            self.check(f"/{INFO}/minewall.prerm upgrade", **variables)
        names = self.unpack(formats.members(ipk)["./data.tar.gz"], control["./conffiles"].decode().split())
        self.write(f"{INFO}/minewall.list", "".join(name + "\n" for name in names))
        for name, text in control.items():
            file = self.root / INFO / f"minewall.{name.removeprefix('./')}"
            file.write_bytes(text)
            file.chmod(0o755)
        self.check(f"/{INFO}/minewall.postinst configure", **variables)

    def opkg_remove(self):
        self.check(f"/{INFO}/minewall.prerm remove")

    def apk_install(self, upgrade=False):
        apk = next((PACKAGES / "apk" / ARCHITECTURE).glob("minewall-*.apk")).read_bytes()
        *_, control, data = formats.gzip_members(apk)
        self.scripts = formats.members(control)
        self.unpack(data, self.read("lib/apk/packages/minewall.conffiles").split() if upgrade else [])
        self.apk_script(".post-upgrade" if upgrade else ".post-install")

    def apk_remove(self):
        self.apk_script(".pre-deinstall")

    def apk_script(self, name):
        self.write("tmp/script", self.scripts[name].decode())
        self.check("sh /tmp/script")


class Life(unittest.TestCase):
    def setUp(self):
        self.router = Router()
        self.addCleanup(self.router.off)

    def live(self, install, remove):
        there = self.router
        install()
        # The daemon runs, and the rules came when its queue was bound.
        self.assertTrue(there.alive(there.pid()))
        self.assertEqual(there.read("var/log/nft"), "load of 1330, bound 1330 \n")
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
        self.assertEqual(there.read("etc/config/minewall.new"), default)
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
        self.live(self.router.opkg_install, self.router.opkg_remove)

    def test_life_under_apk(self):
        self.live(self.router.apk_install, self.router.apk_remove)


if __name__ == "__main__":
    unittest.main()
