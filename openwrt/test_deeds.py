"""What the pages of LuCI can have done beside 'allow': isolate a host, suspend and stop the service, lists and feeds."""

import unittest

from test_service import OnRouter

MAC = "02:00:5e:10:00:01"


class Isolation(OnRouter):
    def test_a_host_is_isolated_by_a_rule_of_its_name_and_let_back(self):
        there = self.router
        self.install()
        before = there.read("etc/config/firewall")
        for host, option in ((MAC, "src_mac"), ("192.168.1.50", "src_ip"), ("fd00::50", "src_ip")):
            answer = self.ask("isolate", {"host": host, "client": "192.168.1.50", "ubus_rpc_session": "0" * 32})
            self.assertIs(answer["ok"], True, answer)
            rules = there.read("etc/config/firewall")
            for line in (f"option name 'minewall: isolate {host}'", "option src '*'", "option dest '*'", "option proto 'all'",
                         f"option {option} '{host}'", "option target 'REJECT'"):
                self.assertIn(line, rules)
            self.assertEqual(self.ask("hosts")["isolated"], [host])
            # Twice is once.
            self.ask("isolate", {"host": host})
            self.assertEqual(there.read("etc/config/firewall").count("REJECT'\n"), 1 + before.count("REJECT'\n"))
            self.assertIs(self.ask("isolate", {"host": host, "remove": True})["ok"], True)
            self.assertEqual(self.ask("hosts")["isolated"], [])
        self.assertEqual(there.read("etc/config/firewall").split(), before.split())

    def test_what_is_no_host_changes_nothing(self):
        there = self.router
        self.install()
        before = there.read("etc/config/firewall")
        for hostile in ("", "childs-laptop", "$(touch /tmp/owned)", "1.2.3.4'; touch /tmp/owned; '", "*", "-h", "02", "a.b; c:d"):
            self.assertIs(self.ask("isolate", {"host": hostile})["ok"], False, hostile)
        self.assertEqual(there.read("etc/config/firewall"), before)
        self.assertFalse((there.root / "tmp/owned").exists())


class Rest(OnRouter):
    def test_a_suspension_is_told_everywhere_and_ends_by_itself(self):
        there = self.router
        self.install()
        self.assertEqual(self.ask("suspend", {"minutes": 30}), {"ok": True})
        self.assertEqual((there.table(), there.pid()), ("", ""))
        status = self.ask("status")
        self.assertEqual((status["state"], status["running"]), ("off", False))
        self.assertTrue(1700 < status["suspended"] <= 1800, status["suspended"])
        self.assertEqual([(problem["code"], problem["text"]) for problem in status["problems"]],
                         [("suspended", "suspended for 30 more minutes")])
        said = there.call("service minewall status").stdout
        self.assertIn("problem: suspended for 30 more minutes", said)
        # What others do meanwhile does not end it.
        there.check("fw4 reload; /etc/init.d/minewall reload; /etc/init.d/minewall start")
        self.assertEqual((there.table(), there.pid()), ("", ""))
        # The time is over.
        there.write("var/run/minewall/suspended", "1\n")
        there.check("/etc/init.d/minewall start")
        self.assertTrue(there.table() and there.pid())
        self.assertEqual(self.ask("status")["suspended"], 0)

    def test_it_comes_back_when_the_time_is_over(self):
        there = self.router
        self.install()
        there.check("/etc/init.d/minewall suspend 1")
        waiting = there.pid("suspension")
        self.assertTrue(there.alive(waiting))
        uptime = int(float(there.check("cat /proc/uptime").split()[0]))
        there.write("var/run/minewall/suspended", f"{uptime + 3}\n")
        # As procd does with an instance that ended early: the script is run again, with what is left.
        there.check("/etc/init.d/minewall start")
        there.wait_for(lambda: there.pid(), "it does not come back")
        there.wait_for(lambda: there.table(), "its rules do not come back")
        self.assertEqual(self.ask("status")["state"], "protecting")
        self.assertIn("the suspension is over", self.log())

    def test_stop_start_restart_and_resume(self):
        there = self.router
        self.install()
        first = there.pid()
        for action, runs in (("restart", True), ("stop", False), ("start", True)):
            self.assertEqual(self.ask("service", {"action": action}), {"ok": True})
            self.assertEqual(bool(there.pid()), runs, action)
        self.assertNotEqual(there.pid(), first)
        self.ask("suspend", {"minutes": 5})
        self.assertEqual(self.ask("suspend", {"minutes": 0}), {"ok": True})
        self.assertTrue(there.pid() and there.table())
        for minutes in (-1, 1441, 99999):
            self.assertIs(self.ask("suspend", {"minutes": minutes})["ok"], False, minutes)
        self.assertIs(self.ask("service", {"action": "reboot"})["ok"], False)
        self.assertTrue(there.pid())
        # A stop ends a suspension for good.
        self.ask("suspend", {"minutes": 5})
        self.ask("service", {"action": "stop"})
        self.assertEqual((self.ask("status")["suspended"], there.pid("suspension")), (0, ""))


class Lists(OnRouter):
    def stage(self, name, text):
        self.router.write(f"etc/minewall/lists/.{name}.new", text)
        return self.ask("take_list", {"name": name})

    def test_own_lists_are_checked_before_they_count(self):
        there = self.router
        self.install()
        answer = self.stage("mine.block", "pool.example\n203.0.113.0/24\n")
        self.assertIs(answer["ok"], True, answer)
        self.assertIn("mine.block: 2 entries", answer["text"])
        self.assertEqual(self.ask("lists")["own"], [{"name": "mine.block", "entries": 2}])
        there.wait_for(lambda: self.ask("check", {"target": "pool.example"}).get("policy") == "block")
        answer = self.stage("mine.block", "<html>\n" * 99)
        self.assertIs(answer["ok"], False)
        self.assertIn("it is no list", answer["error"])
        self.assertIn("pool.example", there.read("etc/minewall/lists/mine.block"))
        for name in ("../x.block", ".block", "x.txt", "a b.block", "", "$(id).block"):
            self.assertIs(self.ask("take_list", {"name": name})["ok"], False, name)
        self.assertIs(self.ask("take_list", {"name": "mine.block", "remove": True})["ok"], True)
        self.assertEqual(self.ask("lists")["own"], [])

    def test_what_is_known_without_a_daemon(self):
        there = self.router
        self.install()
        self.stage("mine.allow", "pool.example\n")
        there.check("/etc/init.d/minewall stop")
        answer = self.ask("check", {"target": "pool.example"})
        self.assertEqual((answer["ok"], answer["policy"], answer["reasons"][0]["source"]), (True, "allow", "list"))
        self.assertEqual(self.ask("check", {"target": "nothing.example"})["reasons"], [])
        self.assertIs(self.ask("check", {"target": "no/thing"})["ok"], False)
        done = there.call("minewall intel check pool.example")
        self.assertEqual(done.returncode, 0)
        self.assertIn("pool.example: allow", done.stdout)
        self.assertIn("by the files", done.stdout)
        self.assertIn("nothing is known of any server", there.check("minewall intel list"))
        self.assertEqual(there.run("minewall intel add 192.0.2.1"), 1)

    def test_feeds_tell_success_and_error_and_are_fetched_at_once(self):
        there = self.router
        self.install()
        text = there.read("etc/config/minewall")
        for name, url in (("good", "https://lists.example/a"), ("gone", "https://lists.example/missing")):
            text += f"\nconfig feed '{name}'\n\toption url '{url}'\n"
        there.write("etc/config/minewall", text, 0o600)
        feeds = self.ask("lists")["feeds"]
        self.assertEqual([(feed["name"], feed["entries"], feed["last_success"], feed["last_error"]) for feed in feeds],
                         [("good", None, None, None), ("gone", None, None, None)])
        self.assertEqual(self.ask("update_lists", {}), {"ok": True})
        there.wait_for(lambda: self.ask("lists")["feeds"][1]["last_error"])
        good, gone = self.ask("lists")["feeds"]
        self.assertEqual((good["entries"], good["last_error"]), (1, None))
        self.assertGreater(good["last_success"], 1_700_000_000)
        self.assertIn("can't be fetched", gone["last_error"])
        problem = next(problem for problem in self.ask("status")["problems"] if problem["code"] == "feed")
        self.assertIn("feed gone: it can't be fetched", problem["text"])
        there.edit("lists.example/missing", "lists.example/found")
        self.ask("update_lists", {"name": "gone"})
        there.wait_for(lambda: self.ask("lists")["feeds"][1]["entries"] == 1)
        self.assertEqual([problem for problem in self.ask("status")["problems"] if problem["code"] == "feed"], [])


del OnRouter

if __name__ == "__main__":
    unittest.main()
