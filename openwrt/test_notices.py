"""The example hooks and the Prometheus collector, with what they call written down."""

import shutil
import subprocess
import unittest

from test_guide import EVENT
from test_service import HERE, OnRouter


class Notices(OnRouter):
    def notify(self, *hooks):
        there = self.router
        self.install()
        for hook in hooks:
            shutil.copy(there.root / "usr/share/minewall/hooks" / hook, there.root / "etc/minewall/hooks.d")
        if hooks:
            there.check("minewall notify -", given=EVENT + "\n")

    def test_the_examples_say_what_happened(self):
        there = self.router
        self.notify("mail", "mqtt", "webhook")
        mail = there.read("var/log/msmtp")
        self.assertIn("To: you@example.org\nSubject: minewall: childs-laptop blocked\n\n", mail)
        self.assertIn("Host:     childs-laptop, 192.168.1.50, 02:00:5e:10:00:01\n", mail)
        self.assertTrue(there.read("var/log/mosquitto_pub").endswith(f"minewall/events\n-s\n{EVENT}\n"))
        asked = there.read("var/log/uclient-fetch")
        self.assertIn(f"--header=Content-Type: application/json\n--post-data={EVENT}\nhttps://example.org/minewall\n", asked)

    def test_a_server_that_reads_only_the_length_gets_the_event(self):
        there = self.router
        heard = self.listen("127.0.0.1", 8080)
        self.install()
        hook = there.read("usr/share/minewall/hooks/webhook")
        at = "ADDRESS=http://127.0.0.1:8080/minewall"
        there.write("etc/minewall/hooks.d/webhook", hook.replace("ADDRESS=https://example.org/minewall", at), 0o755)
        there.check("minewall notify -", given=EVENT + "\n")
        self.assertEqual(heard.readline(), f"/minewall application/json {EVENT}\n")
        # A server that refuses is a failure.
        there.write("etc/minewall/hooks.d/webhook", hook.replace("https://example.org", "http://127.0.0.1:8080/no"), 0o755)
        self.assertNotEqual(there.run("/etc/minewall/hooks.d/webhook"), 0)

    def test_the_service_runs_them_only_where_there_are_any(self):
        there = self.router
        self.notify()
        self.assertEqual(there.pid("notices"), "")
        daemon = there.pid()
        there.write("etc/minewall/hooks.d/mine", "#!/bin/sh\n", 0o755)
        there.check("/etc/init.d/minewall reload")
        self.assertTrue(there.alive(there.pid("notices")))
        self.assertEqual(there.pid(), daemon)
        notices = there.pid("notices")
        there.edit("#option notice_interval '60'", "option notice_interval '5'")
        there.check("/etc/init.d/minewall reload")
        self.assertNotIn(there.pid("notices"), ("", notices))
        self.assertEqual(there.pid(), daemon)
        (there.root / "etc/minewall/hooks.d/mine").unlink()
        notices = there.pid("notices")
        there.check("/etc/init.d/minewall reload")
        there.wait_until_gone(notices)
        self.assertEqual((there.pid("notices"), there.pid()), ("", daemon))


class Prometheus(OnRouter):
    # As the exporter has it: prints a type, and answers with a function for values.
    EXPORTER = """
        function metric(name, kind, labels, value)
          print("# TYPE " .. name .. " " .. kind)
          local function add(labels, value)
            local list = {}
            for key, text in pairs(labels or {}) do list[#list + 1] = key .. '="' .. text .. '"' end
            print(name .. (#list > 0 and "{" .. table.concat(list, ",") .. "}" or "") .. " " .. value)
          end
          if value then add(labels, value) end
          return add
        end
        popen = io.popen
        io.popen = function() return popen("cat '%s'") end
        dofile("%s").scrape()
    """

    @unittest.skipUnless(shutil.which("lua5.1"), "missing: lua5.1")
    def test_the_collector_says_what_the_program_says(self):
        there = self.router
        self.install()
        there.wait_for(lambda: there.run("minewall status >/dev/null 2>&1") == 0)
        said = there.check("minewall status --prometheus")
        self.assertIn("\nminewall_packets_total ", said)
        file = there.root / "tmp/said"
        file.write_text(said)
        collector = HERE / "minewall/files/prometheus.lua"
        done = subprocess.run(["lua5.1", "-e", self.EXPORTER % (file, collector)], stdout=subprocess.PIPE, text=True, check=True)
        self.assertEqual(done.stdout, said)


del OnRouter

if __name__ == "__main__":
    unittest.main()
