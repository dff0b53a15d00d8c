"""The package for Debian: installed by dpkg over a copy of this machine's root, started by the commands of its unit with
the real nft and a real queue, reloaded, stopped, removed and purged.

systemd itself is not there (a test has no machine of its own); what its unit says is run in its order, and checked by
systemd-analyze where that is installed.
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import pack
import router
from test_service import program

HERE = Path(__file__).resolve().parent
UNIT = HERE / "debian/minewall.service"
# A root over this machine's, in memory: what is written there is gone with it.
MACHINE = """
set -eu
mount -t tmpfs tmpfs "$1"
mkdir "$1/over" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/over,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
mkdir -p "$1/root/run/lock"
cp "$2" "$1/root/package.deb"
ip link set lo up
exec chroot "$1/root" /bin/sh -euc "$3"
"""
# What the unit's commands do in the order of systemd; $MAINPID as it sets it.
LIFE = """
dpkg -i /package.deb >/dev/null
[ -e /lib/systemd/system/minewall.service ]
mkdir -p /run/minewall
{pre}
{start} 2>/tmp/log & MAINPID=$!
trap 'kill $MAINPID 2>/dev/null || true' EXIT
{post}
nft list table inet minewall >/tmp/table
# Something that `unblock` forgets.
minewall intel add 203.0.113.9:3333
{readme}
grep -q 1330 /proc/net/netfilter/nfnetlink_queue && echo "the queue is bound"
sed -i "s/option mode 'block'/option mode 'monitor'/" /etc/config/minewall
{reload}
tries=0
until minewall status | grep -q 'monitor mode'; do tries=$((tries + 1)); [ $tries -lt 100 ]; sleep 0.1; done
echo "reloaded"
kill $MAINPID
wait $MAINPID || true
{stop}
! nft list table inet minewall 2>/dev/null
dpkg -r minewall >/dev/null
[ ! -e /usr/sbin/minewall ] && [ -e /etc/config/minewall ]
dpkg -P minewall >/dev/null
[ ! -e /etc/config/minewall ] && [ ! -e /etc/minewall ]
echo "nothing is left"
"""


def commands(key):
    """The commands of the unit under a key, one a line."""
    return "\n".join(line.split("=", 1)[1] for line in UNIT.read_text().splitlines() if line.startswith(f"{key}="))


def readme():
    """The commands that the README shows for a machine on which the package is installed, one a line."""
    section = (HERE.parent / "README.md").read_text().split("## Running it\n")[1].split("By hand, ")[0]
    lines = [line.split("#")[0].strip() for line in section.splitlines() if line.startswith("    minewall ")]
    # A command that goes on until it is ended, and a server of which nothing is known.
    statuses = {"events --follow": 124, "intel check": 3}
    for begin, status in statuses.items():
        lines = [f"timeout 2 {line} || [ $? = {status} ]" if f"minewall {begin}" in line else line for line in lines]
    return "\n".join(lines)


class Debian(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        missing = [tool for tool in ("dpkg", "dpkg-deb", "nft", "unshare") if not shutil.which(tool)]
        if why := router.missing() or " ".join(missing):
            raise (AssertionError if os.environ.get("MINEWALL_LIVE") == "1" else unittest.SkipTest)(why)
        cls.scratch = Path(tempfile.mkdtemp(prefix="minewall-debian-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.architecture = output("dpkg", "--print-architecture").strip()
        # One program for both: another part of the tests may build it anew meanwhile, with other features of libraries.
        built = shutil.copy2(program(), cls.scratch / "minewall")
        for folder in ("once", "twice"):
            (cls.scratch / folder).mkdir()
            # As `make deb` does.
            command = [HERE / "pack.py", "--debian", built, "--out", cls.scratch / folder]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1790000000"})
        cls.name = f"minewall_{pack.version()}_{cls.architecture}.deb"
        cls.file = cls.scratch / "once" / cls.name

    def test_the_same_contents_give_the_same_bytes_that_dpkg_reads(self):
        self.assertEqual(self.file.read_bytes(), (self.scratch / "twice" / self.name).read_bytes())
        fields = output("dpkg-deb", "--field", self.file)
        for line in ("Package: minewall", f"Architecture: {self.architecture}", "Depends: libc6, nftables"):
            self.assertIn(line, fields)
        listed = output("dpkg-deb", "--contents", self.file)
        self.assertRegex(listed, r"-rw------- 0/0 .* \./etc/config/minewall\n")
        self.assertRegex(listed, r"-rwxr-xr-x 0/0 .* \./usr/sbin/minewall\n")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "missing: systemd-analyze")
    def test_systemd_understands_the_unit(self):
        # The programs are not installed on this machine.
        text = re.sub(r"=/usr/(sbin|lib)/\S*minewall\S*", "=/bin/true", UNIT.read_text())
        unit = self.scratch / "minewall.service"
        unit.write_text(text)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        self.assertNotIn("minewall.service", done.stdout)

    def test_it_is_installed_started_reloaded_stopped_and_removed(self):
        life = LIFE.format(pre=commands("ExecStartPre"), start=commands("ExecStart"), post=commands("ExecStartPost"),
                           reload=commands("ExecReload"), stop=commands("ExecStopPost"), readme=readme())
        at = self.scratch / "machine"
        at.mkdir()
        policy = Path("/usr/sbin/policy-rc.d")
        self.assertFalse(Path("/run/systemd/system").exists() and not policy.exists(), "systemd would start it here")
        # nft's queue statement is not in every kernel: a counter stands in its place, as on the model of a router.
        nft = self.scratch / "nft"
        nft.write_text((HERE / "model/root/model/nft").read_text().replace("/usr/sbin/nft", shutil.which("nft")))
        nft.chmod(0o755)
        life = f"PATH={self.scratch}:/usr/sbin:/usr/bin:/sbin:/bin; export PATH\nmkdir -p /var/log\n{life}"
        done = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", MACHINE, "sh", at,
                               self.file, life], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout)
        for line in ("/etc/config/minewall is fine", "the queue is bound", "reloaded", "nothing is left"):
            self.assertIn(line, done.stdout)


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


if __name__ == "__main__":
    unittest.main()
