"""`minewall selftest` on a model of a router: all is well, and each thing that can be wrong."""

import json
import unittest

from test_service import OnRouter


class SelfTest(OnRouter):
    def start(self):
        there = self.router
        there.write("tmp/dhcp.leases", "4000000000 02:00:5e:10:00:01 192.168.1.50 laptop *\n")
        self.install()
        there.wait_for(lambda: there.run("minewall status --prometheus | grep -qx 'minewall_queue_has_rules 1'") == 0)

    def outcomes(self, command="minewall selftest", status=0):
        """{check: (outcome, sentence)}"""
        done = self.router.call(command)
        self.assertEqual(done.returncode, status, done.stdout)
        lines = [line.split(None, 2) for line in done.stdout.splitlines()]
        return {name: (outcome, text) for outcome, name, text in lines}

    def test_all_is_well_and_nothing_is_left_of_the_test(self):
        there = self.router
        self.start()
        before = there.table()
        said = self.outcomes()
        self.assertEqual({name: outcome for name, (outcome, _) in said.items()},
                         dict.fromkeys(["daemon", "rules", "queue", "recognition", "sets", "lists", "clock", "names"], "ok"), said)
        self.assertIn("had its verdict", said["queue"][1])
        self.assertIn("cryptonote", said["recognition"][1])
        self.assertIn("1 of 1 leases", said["names"][1])
        self.assertEqual(there.table(), before)
        self.assertNotIn("inet minewall_selftest\n", there.tables())
        self.assertEqual(there.check("minewall intel list"), "nothing is known of any server\n")
        self.assertEqual(there.check("minewall hosts"), "no host has mined\n", "nothing of it is a detection")
        answer = self.ask("selftest")
        self.assertEqual((answer["ok"], answer["failed"], len(answer["checks"])), (True, 0, 8))
        self.assertEqual(self.ask("status")["selftest"]["failed"], 0)

    def test_each_fault_is_found_with_what_to_do(self):
        there = self.router
        self.start()
        there.write("etc/minewall/lists/bad.block", "<html>\n" * 99)
        there.check("/etc/init.d/minewall reload")
        there.wait_for(lambda: there.run("minewall status | grep -q 'list: '") == 0)
        said = self.outcomes(status=1)
        self.assertEqual(said["lists"][0], "FAILED")
        self.assertIn("bad.block", said["lists"][1])
        self.assertIn("check-list", said["lists"][1])
        there.write("tmp/dhcp.leases", "")
        there.check("nft flush ruleset")
        there.wait_for(lambda: there.run("minewall status --prometheus | grep -qx 'minewall_queue_has_rules 0'") == 0)
        said = self.outcomes(status=1)
        self.assertEqual([said[name][0] for name in ("rules", "names", "sets")], ["FAILED", "note", "FAILED"], said)
        self.assertEqual(json.loads(there.call("minewall selftest --json").stdout)["failed"], 3)
        self.assertEqual(self.ask("status")["selftest"]["failed"], 3)

    def test_what_is_turned_off_has_not_failed(self):
        there = self.router
        self.start()
        there.edit("#option kernel_block '1'", "option kernel_block '0'")
        there.check("/etc/init.d/minewall reload")
        there.wait_for(lambda: there.run("minewall selftest --daemon | grep -qx 'sets 0'") == 0)
        self.assertEqual(self.outcomes()["sets"][0], "off")

    def test_a_daemon_that_hangs_or_is_gone(self):
        there = self.router
        self.start()
        there.check("/etc/init.d/minewall stop")
        said = self.outcomes(status=1)
        self.assertEqual(list(said), ["daemon"])
        self.assertIn("service minewall start", said["daemon"][1])
        self.assertIs(json.loads(there.call("minewall selftest --json").stdout)["ok"], True)
        self.assertEqual(there.run("minewall selftest --nonsense"), 1)


del OnRouter

if __name__ == "__main__":
    unittest.main()
