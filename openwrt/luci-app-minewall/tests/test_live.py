"""The pages on a real house: a miner behind a router with minewall at work, asked through rpcd's own plugin."""

import os
import subprocess
import unittest
from pathlib import Path

import canned
from case import OVERVIEW, STATUS, PageCase
from router import APP, Router

BUILT = Path(os.environ.get("CARGO_TARGET_DIR", APP.parents[1] / "target")) / os.environ.get("MINEWALL_PROFILE", "debug")
MINEWALL, LAB = BUILT / "minewall", BUILT / "examples/lab"
NAME = "<img/src=x/onerror=pwned(1)>"
POOL = "10.9.2.2:3333"


class House:
    """house.sh, and what it is told."""

    def __init__(self):
        self.process = subprocess.Popen(
            [Path(__file__).with_name("house.sh"), MINEWALL, LAB], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "HOSTNAME_AT_HOME": NAME})
        ready, self.router, self.folder = self.process.stdout.readline().split()
        assert ready == "ready"
        self.config = Path(self.folder) / "config"
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        self.plugin = ["ip", "netns", "exec", self.router, "env", f"PATH={path}", f"{self.folder}/plugin"]

    def do(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"done {command}\n"

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@unittest.skipUnless(os.environ.get("MINEWALL_LIVE") == "1" or (os.geteuid() == 0 and MINEWALL.exists() and LAB.exists()),
                     "takes root, and the programs built")
class Live(PageCase):

    def serve(self, **_):
        self.house = House()
        self.addCleanup(self.house.close)
        self.router = Router(plugin=self.house.plugin, config=self.house.config)
        self.addCleanup(self.router.close)

    def ask(self, method, **arguments):
        code, answer = self.router.call("minewall", method, arguments)
        self.assertEqual(code, 0)
        return answer

    def click(self, deed):
        self.browser.wait(f"document.querySelector('.mw-host [data-deed={deed}]')?.disabled === false")
        self.browser.click(f".mw-host [data-deed={deed}]")

    def test_a_day_in_the_house(self):
        self.open(STATUS)
        self.wait_for("Nobody is mining in your network.")

        self.house.do("mine")
        self.wait_for(f"{NAME} tried to mine and was cut off.")
        card = self.browser.text(".mw-host")
        for text in (NAME, "10.9.1.2", f"at {POOL}", "Blocked", "1 time, latest "):
            self.assertIn(text, card)
        self.assertIn(NAME, self.browser.text(".mw-events tbody tr"))
        self.assertEqual(self.count("#view img"), 0)

        self.click("probe")
        # The pool of the laboratory knows a miner's words only; that it was asked is what matters here.
        self.browser.wait(f"document.querySelector('.mw-outcome span')?.innerText.startsWith('{POOL} ')")
        self.assertRegex(self.browser.text(".mw-outcome"), "is a mining pool|did not say what it is")

        # The miner's words cut its own connection only: of the server nothing is known, and so nothing is blocked.
        self.click("unblock")
        self.browser.wait(f"document.querySelector('.mw-outcome span')?.innerText == '{POOL}: nothing is known of it'")

        self.click("host")
        self.wait_for("may mine from now on.")
        self.browser.wait("document.querySelector('.mw-verdict').innerText == 'Allowed'")
        self.assertEqual(len(self.ask("hosts")["hosts"]), 1)
        self.assertIn("list allow_host", self.house.config.read_text())
        # Never green while a host has mined in the last day.
        self.wait_for(f"{NAME} mined, which you allow.")

        self.click("undo")
        self.wait_for("may not mine any more.")
        self.browser.wait("document.querySelector('.mw-verdict').innerText == 'Blocked'")
        self.assertNotIn("list allow_host", self.house.config.read_text())

        self.click("pool")
        self.wait_for(f"Every host may mine at {POOL} from now on.")
        self.browser.wait("document.querySelector('.mw-verdict').innerText == 'Allowed'")

        self.leave()
        self.open(OVERVIEW)
        self.wait_for(NAME)
        self.assertEqual(self.count("#view img"), 0)

        self.leave()
        self.open(STATUS)
        self.house.config.write_text(self.house.config.read_text().replace("option mode 'block'", "option mode 'blok'"))
        self.browser.wait("document.querySelector('[data-problem=config]')")
        self.assertIn("blok", self.browser.text("[data-problem=config]"))
        self.house.do("stop")
        self.browser.wait("document.querySelector('[data-state]').getAttribute('data-state') == 'off'")

    def test_answers_have_the_shape_that_the_other_tests_take_for_granted(self):
        self.house.do("mine")
        for canned_answer, real in ((canned.status(), self.ask("status")), (canned.host(), self.ask("hosts")["hosts"][0]),
                                    (canned.event(), self.ask("events", last=500)["events"][0])):
            self.assertLessEqual(set(canned_answer), set(real))
            for key, value in canned_answer.items():
                if real[key] is not None and value is not None:
                    self.assertIs(type(value), type(real[key]), key)
        self.assertLessEqual(set(canned.DAEMON), set(self.ask("status")["daemon"]))
        self.assertEqual(self.ask("status")["state"], "protecting")


if __name__ == "__main__":
    unittest.main()
