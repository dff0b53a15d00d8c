"""The ubus object: rpcd's plugin, called as rpcd calls it, against UBUS.md."""

import json
import unittest

from test_guide import EVENT
from test_service import HERE, OnRouter


class Ubus(OnRouter):
    def test_methods_are_listed_as_rpcd_reads_them_and_each_is_granted_once(self):
        there = self.router
        self.install()
        methods = json.loads(there.check("/usr/libexec/rpcd/minewall list"))
        self.assertEqual(methods["allow"], {"host": "", "endpoint": "", "remove": True})
        granted = []
        for name, group in json.loads(there.read("usr/share/rpcd/acl.d/minewall.json")).items():
            for scope in ("read", "write"):
                self.assertEqual(scope in group, name == f"minewall-{scope}")
                granted += group.get(scope, {}).get("ubus", {}).get("minewall", [])
        self.assertEqual(sorted(granted), sorted(methods))

    def test_every_member_of_the_status_is_described(self):
        self.install()
        described = (HERE / "UBUS.md").read_text()
        status = self.ask("status")
        self.assertEqual((status["state"], status["running"], status["rules"]), ("protecting", True, True))
        for name, value in [*status.items(), *status["daemon"].items()]:
            for member in (name, *(value if isinstance(value, dict) else ())):
                self.assertTrue(f"`{member}`" in described, f"UBUS.md has no '{member}'")

    def test_allowing_changes_the_configuration_and_what_the_daemon_does(self):
        there = self.router
        self.install()
        self.assertEqual(self.ask("allow", {"host": "192.168.1.50", "ubus_rpc_session": "0" * 32}),
                         {"ok": True, "option": "allow_host", "value": "192.168.1.50"})
        there.wait_for(lambda: "configuration reloaded" in self.log())
        self.ask("allow", {"host": "192.168.1.50"})
        self.ask("allow", {"endpoint": "[2001:db8::1]:3333"})
        configuration = there.read("etc/config/minewall")
        self.assertEqual(configuration.count("\tlist allow_host '192.168.1.50'\n"), 1)
        self.assertEqual(configuration.count("\tlist allow_endpoint '[2001:db8::1]:3333'\n"), 1)
        self.ask("allow", {"host": "192.168.1.50", "remove": True})
        self.assertNotIn("192.168.1.50", there.read("etc/config/minewall"))
        there.check("minewall config")

    def test_what_came_off_the_wire_stays_text(self):
        there = self.router
        self.install()
        before = there.read("etc/config/minewall")
        for hostile in ("$(touch /tmp/owned)", "`touch /tmp/owned`", "x'; touch /tmp/owned; '", "1.2.3.4\ntouch /tmp/owned",
                        "<img src=x onerror=alert(1)>", "-h", "*", "1.2.3.4'=x"):
            for method, argument in (("allow", "host"), ("allow", "endpoint"), ("unblock", "target"), ("probe", "server")):
                answer = self.ask(method, {argument: hostile})
                self.assertIs(answer["ok"], False, f"{method} {hostile}: {answer}")
                self.assertLess(len(answer["error"]), 300)
        self.assertEqual(there.read("etc/config/minewall"), before)
        self.assertFalse((there.root / "tmp/owned").exists())
        for given in ("", "[]", "{", '{"host":', "null", '{"a":' * 2000, '"x"'):
            answer = there.check("/usr/libexec/rpcd/minewall call allow", given=given)
            self.assertIn('"ok":false', answer, given)

    def test_events_and_hosts_without_a_daemon(self):
        there = self.router
        self.install()
        there.check("/etc/init.d/minewall stop")
        there.write("var/log/minewall/events.jsonl", EVENT + '\n{"event":"cut sh\n' + EVENT + "\n")
        self.assertEqual(len(self.ask("events")["events"]), 2)
        self.assertEqual(self.ask("events", {"last": 1})["events"][0]["host"], "childs-laptop")
        self.assertIs(self.ask("events", {"last": 0})["ok"], False)
        self.assertEqual(self.ask("hosts"), {"hosts": [], "isolated": []})
        status = self.ask("status")
        self.assertEqual((status["state"], status["daemon"], status["problems"][0]["code"]), ("off", None, "not_running"))

    def test_a_probe_ends_while_somebody_waits(self):
        self.install()
        answer = self.ask("probe", {"server": "127.0.0.1:9", "layer": "plain"})
        self.assertEqual((answer["ok"], answer["outcome"]), (True, "inconclusive"))


del OnRouter

if __name__ == "__main__":
    unittest.main()
