"""The package's life on a router: installed, reconfigured, upgraded over an edited configuration, removed.

A root of busybox with the conventions of OpenWrt as thin as they can be (openwrt/model/root), in a network
namespace of its own; the daemon is the real one of the x86_64 package, on a real queue. What `nft` is told
is written down: not every kernel that tests run on has nft's queue statement.
"""

import io
import shutil
import subprocess
import tarfile
import tempfile
import time
import unittest
from pathlib import Path

import formats

HERE = Path(__file__).resolve().parent
PACKAGES = HERE.parent / "target/packages"
ARCHITECTURE = "x86_64"
INFO = "usr/lib/opkg/info"
PATIENCE_SECONDS = 20


class Router:
    """A folder that is a router's root."""

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="minewall-router-"))
        for folder in ("bin", "sbin", "dev", "proc", "tmp", "etc/config", "etc/rc.d", "etc/init.d", "var/run",
                       "var/log", INFO, "usr/sbin", "lib/apk/packages"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "dev/null").touch()
        self.copy_with_libraries(Path(shutil.which("busybox")))
        applets = subprocess.run(["busybox", "--list"], stdout=subprocess.PIPE, check=True, text=True).stdout
        for applet in applets.split():
            (self.root / "bin" / applet).symlink_to("busybox") if applet != "busybox" else None
        shutil.copytree(HERE / "model/root", self.root, dirs_exist_ok=True,
                        copy_function=lambda source, at: (Path(at).unlink(missing_ok=True), shutil.copy(source, at)))
        # Holds the namespaces until the router is switched off; a shell, since it buries the dead.
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
             f"mount -t proc proc {self.root}/proc && echo up && while :; do sleep 0.1; done"],
            stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "up\n"
        children = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children")
        self.init = children.read_text().split()[0]

    def copy_with_libraries(self, program):
        shutil.copy(program, self.root / "bin")
        libraries = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True).stdout
        for word in libraries.split():
            if word.startswith("/"):
                at = self.root / word[1:]
                at.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(word, at)

    def run(self, command, **variables):
        """Exit status of a shell's command in the root."""
        enter = ["nsenter", "-t", self.init, "--net", "--mount", "--pid", "chroot", str(self.root)]
        environment = {"PATH": "/usr/sbin:/bin:/sbin", **variables}
        return subprocess.run([*enter, "/bin/sh", "-c", command], env=environment, timeout=PATIENCE_SECONDS).returncode

    def read(self, path):
        file = self.root / path
        return file.read_text() if file.exists() else ""

    def write(self, path, text):
        (self.root / path).write_text(text)

    def pid(self):
        return self.read("var/run/procd.minewall").strip()

    def off(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        shutil.rmtree(self.root)

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

    def check(self, command, **variables):
        status = self.run(command, **variables)
        assert status == 0, f"{command}: {status}"


class Life(unittest.TestCase):
    def setUp(self):
        self.router = Router()
        self.addCleanup(self.router.off)

    def wait_for(self, condition):
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.05)

    def alive(self, pid):
        return bool(pid) and self.router.run(f"kill -0 {pid} 2>/dev/null") == 0

    def live(self, install, remove):
        router = self.router
        install()
        # The daemon runs, and the rules came when its queue was bound.
        self.assertTrue(self.alive(router.pid()))
        self.assertEqual(router.read("var/log/nft"), "load of 1330, bound 1330 \n")
        self.assertEqual(router.read("etc/rc.d/S21minewall"), router.read("etc/init.d/minewall"))
        include = {"": "include", ".type": "script", ".path": "/usr/share/minewall/firewall.include",
                   ".fw4_compatible": "1"}
        for option, value in include.items():
            self.assertEqual(router.read(f"var/run/uci/firewall.minewall{option}"), value + "\n")
        self.assertFalse((router.root / "etc/uci-defaults/90-minewall").exists())

        # A reload takes what can be taken by a signal.
        first = router.pid()
        default = router.read("etc/config/minewall")
        edited = default.replace("'block'", "'monitor'")
        router.write("etc/config/minewall", edited)
        router.check("/etc/init.d/minewall reload")
        self.assertNotIn("goto blocked", router.read("var/run/table"))
        self.wait_for(lambda: "monitor mode" in router.read("var/log/daemon").rsplit("reloaded", 1)[-1])
        self.assertEqual(router.pid(), first)

        # What is no good is refused, told, and changes nothing.
        router.write("etc/config/minewall", edited.replace("'monitor'", "'never'"))
        before = router.read("var/log/nft")
        self.assertNotEqual(router.run("/etc/init.d/minewall reload"), 0)
        self.assertIn("option 'mode': 'never' is not", router.read("var/log/messages"))
        self.assertTrue(self.alive(first))
        self.assertEqual(router.read("var/log/nft"), before)

        # Another queue needs another start, and the rules follow.
        edited = edited.replace("#option queue '1330'", "option queue '7'")
        router.write("etc/config/minewall", edited)
        router.check("/etc/init.d/minewall reload")
        self.assertNotEqual(router.pid(), first)
        self.assertFalse(self.alive(first))
        self.assertEqual(router.read("var/log/nft").splitlines()[-2:], ["removal", "load of 7, bound 7 "])

        # firewall4 has deleted all tables and runs its includes.
        router.write("var/run/table", "")
        router.check("sh /usr/share/minewall/firewall.include")
        self.assertIn("queue num 7", router.read("var/run/table"))

        install(upgrade=True)
        self.assertEqual(router.read("etc/config/minewall"), edited)
        self.assertEqual(router.read("etc/config/minewall.new"), default)
        self.assertTrue(self.alive(router.pid()))
        self.assertIn("queue num 7", router.read("var/run/table"))
        self.assertTrue(router.read("var/run/uci/firewall.minewall"))

        last = router.pid()
        remove()
        self.assertFalse(self.alive(last))
        self.assertEqual(router.read("var/log/nft").splitlines()[-1], "removal")
        self.assertEqual(list((router.root / "etc/rc.d").iterdir()), [])
        self.assertEqual(list((router.root / "var/run/uci").iterdir()), [])
        router.write("var/run/table", "")
        router.check("sh /usr/share/minewall/firewall.include")
        self.assertEqual(router.read("var/run/table"), "")

    def test_life_under_opkg(self):
        self.live(self.router.opkg_install, self.router.opkg_remove)

    def test_life_under_apk(self):
        self.live(self.router.apk_install, self.router.apk_remove)

    def test_a_kernel_without_the_queue_statement_is_told_once_and_harms_nothing(self):
        self.router.write("var/run/no-nft-queue", "")
        self.router.opkg_install()
        said = self.router.read("var/log/messages").splitlines()
        self.assertEqual(len(said), 1, said)
        self.assertIn("is kmod-nft-queue installed?", said[0])
        self.assertEqual(self.router.read("var/run/table"), "")

    def test_a_disabled_service_starts_nothing(self):
        self.router.opkg_install()
        self.router.check("/etc/init.d/minewall stop")
        config = self.router.read("etc/config/minewall")
        self.router.write("etc/config/minewall", config.replace("enabled '1'", "enabled '0'"))
        self.router.write("var/run/table", "")
        self.router.check("/etc/init.d/minewall start")
        self.assertEqual((self.router.pid(), self.router.read("var/run/table")), ("", ""))


if __name__ == "__main__":
    unittest.main()
