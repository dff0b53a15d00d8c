"""The notifiers: sections of the configuration become messages by the router's own programs, which write down here what
they were asked for."""

import json
import unittest

from test_guide import EVENT
from test_service import OnRouter

HOSTILE = EVENT.replace("childs-laptop", "$(touch /tmp/owned)`id`\\\"; a").replace('"agent":"a`b`"', '"agent":"\\u0000\'$(id)"')


class Notifiers(OnRouter):
    def configure(self, **sections):
        there = self.router
        self.install()
        text = there.read("etc/config/minewall")
        for name, options in sections.items():
            text += f"\nconfig notifier '{name}'\n" + "".join(f"\toption {key} '{value}'\n" for key, value in options.items())
        there.write("etc/config/minewall", text, 0o600)
        there.check("minewall config")

    def log_of(self, program):
        return self.router.read(f"var/log/{program}")

    def all_types(self):
        self.configure(
            post={"type": "mail", "to": "you@example.org", "from": "router@example.org", "server": "mail.example.org",
                  "username": "router", "password": "se cret"},
            web={"type": "webhook", "url": "https://example.org/hook"},
            phone={"type": "ntfy", "topic": "house", "token": "tk_secret"},
            chat={"type": "telegram", "token": "123:abc", "chat": "42"},
            broker={"type": "mqtt", "server": "broker.example.org", "username": "r", "password": "p w"},
            off={"type": "webhook", "url": "https://example.org/off", "enabled": "0"})

    def test_each_tells_an_event_in_its_way_and_leaves_nothing(self):
        there = self.router
        self.all_types()
        there.check("minewall notify -", given=EVENT + "\n")
        mail = self.log_of("msmtp")
        self.assertIn("host mail.example.org\nfrom router@example.org\ntimeout 20\nport 587\ntls on\ntls_starttls on\nauth on\n"
                      "user \"router\"\npassword \"se cret\"\n", mail)
        self.assertIn("To: you@example.org\nFrom: router@example.org\nSubject: minewall: childs-laptop blocked\n", mail)
        self.assertIn("Host: childs-laptop, 192.168.1.50, 02:00:5e:10:00:01\n", mail)
        fetched = self.log_of("uclient-fetch")
        self.assertIn(f"\n{EVENT}\n", fetched)
        self.assertIn("--header=Content-Type: application/json\n", fetched)
        self.assertIn("https://api.telegram.org/bot123:abc/sendMessage\n", fetched)
        self.assertIn("chat_id=42&text=minewall:+childs-laptop+blocked%0A2026-11-22T06:10:12Z%0AHost:+childs-laptop,", fetched)
        message = next(json.loads(line) for line in fetched.splitlines() if line.startswith('{"topic"'))
        self.assertEqual((message["topic"], message["title"]), ("house", "minewall: childs-laptop blocked"))
        self.assertIn("Server: 203.0.113.9:3333\n", message["message"])
        self.assertNotIn("example.org/off", fetched)
        self.assertIn(f"-h broker.example.org\n-q 1\n-t minewall/events\n-p 8883\n--cafile /etc/ssl/certs/ca-certificates.crt\n"
                      f"-u r\n-P p w\n{EVENT}\n", self.log_of("mosquitto_pub"))
        self.assertEqual([path.name for path in (there.root / "var/run/minewall-notifiers").iterdir()], [])

    def test_nothing_from_the_network_means_anything_to_a_shell(self):
        there = self.router
        self.all_types()
        there.check("minewall notify -", given=HOSTILE + "\n")
        self.assertFalse((there.root / "tmp/owned").exists())
        self.assertNotIn("uid=", "".join(self.log_of(program) for program in ("msmtp", "uclient-fetch", "mosquitto_pub")))
        for line in self.log_of("uclient-fetch").splitlines():
            if line.startswith("{"):
                json.loads(line)

    def test_a_test_says_that_it_is_one_and_what_went_wrong(self):
        self.configure(good={"type": "ntfy", "topic": "house"}, refused={"type": "mail", "to": "a@b.c", "from": "a@b.c", "server": "refuse"},
                       gone={"type": "webhook", "url": "https://example.org/missing?key=secret"}, odd={"type": "pigeon"},
                       empty={"type": "telegram"}, sly={"type": "mail", "to": "-oQ/tmp x@y.z"}, plain={"type": "webhook", "url": "file:///etc/passwd"})
        self.assertEqual(self.ask("notify_test", {"name": "good"}), {"ok": True})
        self.assertIn("minewall: TEST", self.log_of("uclient-fetch"))
        for name, why in (("refused", "msmtp: authentication failed (method PLAIN)"), ("gone", "HTTP error 404"),
                          ("odd", "the type is mail, webhook, ntfy, telegram or mqtt, not 'pigeon'"),
                          ("empty", "option 'token' is missing: the bot's token, from @BotFather"),
                          ("sly", "option 'to' has a character that can't be in it: the address of the receiver"),
                          ("plain", "the address begins with http:// or https://"),
                          ("nothing", "there is no notifier 'nothing': save the settings first"),
                          ("x; reboot", "'name' has characters that no such argument has")):
            answer = self.ask("notify_test", {"name": name})
            self.assertEqual((answer["ok"], answer.get("error")), (False, why))
            self.assertNotIn("secret", json.dumps(answer))

    def test_what_fails_is_a_problem_until_it_works(self):
        there = self.router
        self.configure(gone={"type": "webhook", "url": "https://example.org/missing"}, good={"type": "ntfy", "topic": "house"})
        done = there.call("minewall notify -", given=EVENT + "\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("notifier gone: HTTP error 404", done.stdout)
        self.assertIn("<28>", self.log())
        problem = self.ask("status")["problems"][0]
        self.assertEqual((problem["code"], problem["text"]), ("notifier", "notifier gone failed: HTTP error 404"))
        self.assertIn("problem: notifier gone failed", there.call("service minewall status").stdout)
        there.edit("example.org/missing", "example.org/found")
        there.check("minewall notify -", given=EVENT + "\n")
        self.assertEqual(self.ask("status")["problems"], [])

    def test_notify_says_when_there_is_nothing_to_run_or_to_tell(self):
        there = self.router
        self.configure()
        for given, why in ((EVENT, "no section 'notifier' is enabled"), ("hello", "nothing was told"), ("", "nothing was told")):
            done = there.call("minewall notify -", given=given + "\n")
            self.assertEqual(done.returncode, 1, given)
            self.assertIn(why, done.stdout)

    def test_the_service_runs_them_and_the_report_goes_out_once_a_week(self):
        there = self.router
        self.configure(good={"type": "ntfy", "topic": "house", "report": "1"}, other={"type": "webhook", "url": "https://example.org/x"})
        there.check("/etc/init.d/minewall reload")
        self.assertTrue(there.alive(there.pid("notices")))
        command = there.check("tr '\\0' ' ' </proc/%s/cmdline" % there.pid("notices"))
        self.assertIn("--hooks /etc/minewall/hooks.d --hooks /usr/share/minewall/notify.d", command)
        line = next(line for line in there.read("etc/crontabs/root").splitlines() if "--report" in line)
        self.assertRegex(line, r"^\d+ 6 \* \* 1 /usr/share/minewall/notify.d/notifiers --report$")
        there.check(line.split(" ", 5)[5])
        fetched = self.log_of("uclient-fetch")
        self.assertIn("minewall: weekly report", fetched)
        self.assertIn("no host has mined in this time", fetched)
        self.assertNotIn("example.org/x", fetched)

    def test_secrets_are_for_root_alone(self):
        there = self.router
        self.all_types()
        self.assertEqual((there.root / "etc/config/minewall").stat().st_mode & 0o777, 0o600)
        there.write("bin/mosquitto_pub", "#!/bin/sh\nls -lR /var/run/minewall-notifiers >/var/log/modes\n", 0o755)
        there.check("minewall notify -", given=EVENT + "\n")
        for line in there.read("var/log/modes").splitlines():
            self.assertRegex(line, r"^(-rw-------|drwx------|total|/|$)", line)


del OnRouter

if __name__ == "__main__":
    unittest.main()
