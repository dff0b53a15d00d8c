"""Whatever a miner, a pool or a lease says stays text."""

import unittest

import canned
from case import OVERVIEW, SETTINGS, STATUS, PageCase

ATTACKS = (
    "<img src=x onerror=pwned(1)>",
    "<script>pwned(2)</script>",
    "\"'><svg onload=pwned(3)>",
    "</script><script>pwned(4)</script>",
    "&lt;img src=x onerror=pwned(5)&gt;",
    "%s%d%n<b>bold</b>",
    "javascript:pwned(6)",
    "__proto__",
)


def poisoned(value, attack):
    """`value` with every text in it replaced."""
    if isinstance(value, dict):
        return {key: poisoned(inner, attack) for key, inner in value.items()}
    if isinstance(value, list):
        return [poisoned(inner, attack) for inner in value]
    return attack if isinstance(value, str) or value is None else value


class Hostile(PageCase):

    def serve_attack(self, attack, keep=()):
        hosts, events = canned.household()
        status = canned.status(problems=[{"code": "config", "text": ""}])
        answers = {"status": {**poisoned(status, attack), "state": "protecting"},
                   "hosts": {"hosts": poisoned(hosts[:1], attack)},
                   "events": {"events": poisoned(events, attack)}}
        for method in ("allow", "unblock", "probe"):
            answers[method] = {**poisoned({"value": "", "text": "", "endpoint": "", "outcome": "", "dialect": "",
                                           "transport": "", "evidence": "", "error": ""}, attack), "ok": method not in keep}
        self.serve(answers=answers)

    def unharmed(self, attack):
        """Nothing of it became markup, and it is there to be read."""
        self.browser.wait("document.body.innerText.includes(%s)" % repr(attack))
        self.assertEqual(self.count("#maincontent img, #maincontent script, #maincontent [onload], #maincontent [onerror],"
                                    "#maincontent b b, #maincontent [href^=javascript]"), 0)
        self.assertFalse(self.browser.evaluate("'pwned' in window"))

    def test_every_text_on_the_status_page(self):
        for attack in ATTACKS:
            with self.subTest(attack):
                self.serve_attack(attack)
                self.open(STATUS)
                self.unharmed(attack)
                for column in (".mw-host > div:nth-child(1)", ".mw-host > div:nth-child(2)", ".mw-verdict",
                               ".mw-events td:nth-child(3)", ".mw-events td:nth-child(4)", ".mw-problems"):
                    self.assertIn(attack, self.browser.text(column), column)
                self.leave()

    def test_every_answer_to_a_deed(self):
        for attack in ATTACKS[:4]:
            for refused in ((), ("allow", "unblock", "probe")):
                self.serve_attack(attack, keep=refused)
                self.open(STATUS)
                for deed in ("host", "pool", "unblock", "probe"):
                    with self.subTest(attack=attack, deed=deed, refused=bool(refused)):
                        self.browser.evaluate("document.querySelector('.mw-outcome').replaceChildren()")
                        self.browser.click(f".mw-host [data-deed={deed}]")
                        self.browser.wait("document.querySelector('.mw-outcome span')")
                        self.assertIn(attack, self.browser.text(".mw-outcome"))
                        self.unharmed(attack)
                self.leave()

    def test_the_overview(self):
        for attack in ATTACKS:
            with self.subTest(attack):
                self.serve_attack(attack)
                self.open(OVERVIEW)
                self.unharmed(attack)
                self.leave()

    def test_the_settings(self):
        for attack in ATTACKS[:4]:
            with self.subTest(attack):
                self.serve_attack(attack)
                self.config.write_text(f"config minewall main\n\tlist allow_host {quoted(attack)}\n")
                self.router.answers["status"] = canned.off("config", attack)
                self.open(SETTINGS)
                self.unharmed(attack)
                self.assertIn(attack, self.browser.text(".mw-problems"))
                if "'" not in attack:
                    self.assertEqual(self.browser.texts('[data-name="allow_host"] .item'), [attack])
                self.leave()

    def test_answers_of_another_shape(self):
        """An older or newer daemon: what is not there is not shown, and nothing breaks."""
        bare = {"client": "192.168.1.50", "server": "203.0.113.9:3333", "dialect": "stratum", "verdict": "blocked",
                "detections": 1, "last_time": "yesterday"}
        self.serve(answers={"hosts": {"hosts": [bare]}, "events": {"events": [{"event": "reload"}, bare]},
                            "status": {"state": "protecting", "daemon": None}})
        self.open(STATUS)
        self.wait_for("192.168.1.50 tried to mine and was cut off.")
        self.wait_for("reload")
        self.wait_for("yesterday")
        self.router.answers["status"] = {"state": "protecting", "daemon": {"version": "9", "uptime": 1}}
        self.wait_for("Version 9")
        self.wait_for("– / –\nconnections followed")


def quoted(text):
    return "'" + text.replace("'", "") + "'"


if __name__ == "__main__":
    unittest.main()
