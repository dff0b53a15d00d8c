"""The report, in a browser, on canned answers."""

import unittest

import canned
from case import PHONE, PageCase

REPORT = "admin/services/minewall/report"


class Report(PageCase):
    def choose(self, days):
        self.browser.evaluate(f"""(() => {{ const span = document.querySelector('.mw-tools select');
            span.value = '{days}'; span.dispatchEvent(new Event('change')); }})()""")

    def rows(self):
        return self.browser.texts(".mw-report tbody tr b")

    def test_who_when_how_often_and_what_was_done(self):
        hosts = [canned.host(), canned.host(client="192.168.1.2", host="<b>old</b>", last_time=canned.ago(days=20), verdict="suspected", dialect="unknown"),
                 canned.host(client="192.168.1.3", host="older", last_time=canned.ago(days=60))]
        self.serve(answers={"hosts": {"hosts": hosts, "isolated": ["192.168.1.3"]}})
        self.open(REPORT)
        self.assertEqual(self.rows(), ["childs-laptop"])
        self.assertIn("Hosts that tried to mine: 1; only suspected: 0.", self.browser.text())
        self.choose(30)
        self.assertEqual(self.rows(), ["childs-laptop", "<b>old</b>"])
        self.assertIn("an encrypted session\nat 203.0.113.9:3333", self.browser.text(".mw-report tbody tr:nth-child(2)"))
        self.choose(0)
        self.assertEqual(len(self.rows()), 3)
        self.assertIn("Isolated", self.browser.text(".mw-report tbody tr:last-child"))
        self.leave()
        self.open(REPORT, **PHONE)
        self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), 360)

    def test_nothing_and_no_answer(self):
        answers = {"hosts": {"hosts": []}}
        self.serve(answers={"hosts": lambda _: answers["hosts"]})
        self.open(REPORT)
        self.wait_for("No host has mined in this time.")
        answers["hosts"] = 4
        self.wait_for("failed with ubus code 4")


if __name__ == "__main__":
    unittest.main()
