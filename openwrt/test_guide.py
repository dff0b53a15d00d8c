"""Every command of GUIDE.md, in its order, on a router of either release; and what they are said to do."""

import re
import shutil
import unittest
from pathlib import Path

from test_service import OnRouter, program

GUIDE = Path(__file__).resolve().parent / "GUIDE.md"
# What a command may end with besides 0: here is no internet, and nothing has been learnt.
STATUSES = {"minewall probe": (1, 2, 3), "minewall unblock": (3,), "minewall intel check": (3,)}
EVENT = ('{"event":"detection","time":"2026-11-22T06:10:12Z","client":"192.168.1.50","mac":"02:00:5e:10:00:01",'
         '"host":"childs-laptop","server":"203.0.113.9:3333","dialect":"cryptonote","coin":"rx/0","agent":"a`b`",'
         '"wallet":null,"source":"dpi","evidence":"login","verdict":"blocked","payload_packets":1}')


def blocks(release):
    """(heading, commands) of each block of shell that is meant for `release`."""
    found = []
    for section in GUIDE.read_text().split("\n## ")[1:]:
        heading, text = section.split("\n", 1)
        if any(other in heading for other in {"24.10", "25.12"} - {release}):
            continue
        found += [(heading, block.strip().splitlines()) for block in re.findall(r"```sh\n(.*?)```", text, re.S)]
    return found


class Guide(OnRouter):
    def prepare(self):
        there = self.router
        shutil.copytree(self.package.root, there.root / "feed")
        (there.root / "feed/usr/sbin/minewall").unlink()
        there.copy_program(program(), "feed/usr/sbin")
        there.write("feed-prerm", self.package.scripts["prerm"].replace("$$", "$"))
        for name in ("minewall_0.1.0-r1_x86_64.ipk", "luci-app-minewall_0.1.0-r1_all.ipk", "minewall-0.1.0-r1.apk",
                     "luci-app-minewall-0.1.0-r1.apk"):
            there.write(f"tmp/{name}", "")
        there.check("fw4 start")
        # The web server of the guide.
        there.check("ip address add 192.168.1.10/32 dev lo")
        self.heard = self.listen("192.168.1.10", 80)

    def do(self, heading, commands):
        there = self.router
        for command in commands:
            done = there.call(command)
            allowed = next((statuses for start, statuses in STATUSES.items() if command.startswith(start)), ())
            self.assertIn(done.returncode, (0, *allowed), f"{heading}: {command}\n{done.stdout}\n{self.log()}")
            self.said.append((command, done.stdout))

    def follow(self, release):
        self.said = []
        self.prepare()
        there = self.router
        for heading, commands in blocks(release):
            if heading == "Being told":
                there.write("var/log/minewall/events.jsonl", EVENT + "\n")
            if heading == "Troubleshooting" and "nft list table inet minewall" in commands:
                self.assertTrue(there.table(), "the service is on")
            if heading == "Stop, start, remove":
                self.assertIn("minewall\n", there.check("ubus list"))
                # As both package managers leave them beside an edited configuration.
                for name in ("minewall-opkg", "minewall.apk-new"):
                    there.write(f"etc/config/{name}", "")
            self.do(heading, commands)
            if any("minewall isolate" in command and "remove" not in command for command in commands):
                self.assertIn("option src_mac '02:00:5e:10:00:01'", there.read("etc/config/firewall"))
        said = dict(self.said)
        self.assertIn("block mode", next(text for command, text in self.said if command == "service minewall status"))
        self.assertIn("/etc/config/minewall is fine", said["minewall config"])
        self.assertEqual(self.heard.readline(), f"/minewall application/json {EVENT}\n")
        self.assertIn("minewall: childs-laptop blocked", there.read("var/log/uclient-fetch"))
        self.assertIn("minewall_detections_total", said["minewall status --prometheus"])
        # Nothing of it is left, and rpcd has forgotten it.
        self.assertNotIn("minewall", there.check("ubus list"))
        self.assertEqual(there.tables(), ["inet fw4\n"])
        self.assertNotIn("minewall", there.read("etc/config/firewall"))
        left = [str(file.relative_to(there.root)) for folder in ("etc", "usr", "lib", "var/run/minewall")
                for file in (there.root / folder).rglob("*minewall*")]
        self.assertEqual(left, [])

    def test_with_opkg(self):
        self.follow("24.10")

    def test_with_apk(self):
        self.follow("25.12")


del OnRouter

if __name__ == "__main__":
    unittest.main()
