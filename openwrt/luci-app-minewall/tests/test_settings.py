"""The settings page has each option of the daemon, as the daemon has it."""

import re
import subprocess
import unittest
from pathlib import Path

import canned
from case import DEFAULT_FILE, SETTINGS, PageCase
from router import APP


def program():
    """The newest build for this machine."""
    target = APP.parent.parent / "target"
    built = [target / profile / "minewall" for profile in ("debug", "release")]
    return max((file for file in built if file.exists()), key=lambda file: file.stat().st_mtime)


def options():
    """{name: (kind, default, what it may be)} of the default file, which is made from the table of options."""
    found = {}
    comment = []
    for line in DEFAULT_FILE.read_text().splitlines()[1:]:
        line = line.strip()
        match = re.fullmatch(r"#?(option|list) (\w+) '(.*)'", line)
        if match:
            kind, name, default = match.groups()
            last = comment[-1] if comment else ""
            integers = re.fullmatch(r"(\d+)\.\.(\d+)( .*)?", last)
            if kind == "list":
                found[name] = ("list", default, None)
            elif integers:
                found[name] = ("integer", default, (int(integers[1]), int(integers[2])))
            elif "|" in last and " " not in last:
                found[name] = ("choice", default, last.split("|"))
            else:
                found[name] = ("flag" if default in ("0", "1") else "text" if name.startswith("collector") else "path", default, None)
        elif line.startswith("# "):
            comment.append(line[2:])
        else:
            comment = []
    return found


class Options(PageCase):

    def field(self, name):
        return f'.cbi-value[data-name="{name}"]'

    def show(self, name):
        """Makes the tab of that option the one that is shown."""
        tab = self.browser.evaluate(f"document.querySelector('{self.field(name)}').parentNode.dataset.tab")
        self.browser.click(f'.cbi-tabmenu [data-tab="{tab}"] a')

    def fill(self, name, text):
        self.show(name)
        self.browser.evaluate(f"document.querySelector('{self.field(name)} input').select()")
        self.browser.type(text)

    def save(self, button="apply"):
        self.browser.click(f".cbi-page-actions .cbi-button-{button}")

    def test_each_option_of_the_daemon_and_no_other(self):
        self.open(SETTINGS)
        shown = self.browser.evaluate("Array.from(document.querySelectorAll('.cbi-value'), (node) => node.dataset.name)")
        self.assertEqual(sorted(shown), sorted(options()))
        self.assertEqual(len(shown), len(set(shown)))

    def test_defaults_ranges_and_choices_agree(self):
        self.config.write_text("config minewall 'main'\n")
        self.open(SETTINGS)
        for name, (kind, default, allowed) in options().items():
            with self.subTest(name):
                widget = f"document.querySelector('{self.field(name)}').querySelector('input, select')"
                help_text = self.browser.evaluate(
                    f"document.querySelector('{self.field(name)} .cbi-value-description').textContent")
                self.assertGreater(len(help_text), 10)
                if kind == "flag":
                    self.assertEqual(self.browser.evaluate(f"{widget}.checked"), default == "1")
                elif kind == "choice":
                    self.assertEqual(self.browser.evaluate(f"{widget}.value"), default)
                    self.assertEqual(self.browser.evaluate(f"Array.from({widget}.options, (one) => one.value)"), allowed)
                elif kind == "integer":
                    self.assertEqual(self.browser.evaluate(f"{widget}.placeholder"), default)
                    self.assertIn(f"{allowed[0]} to {allowed[1]}", help_text)
                    self.assertIn(f"{default} if empty", help_text)
                    for value, good in ((allowed[0], True), (allowed[1], True), (allowed[1] + 1, False),
                                        (allowed[0] - 1, False), ("x", False), ("", True)):
                        self.assertEqual(self.accepts(widget, value), good, value)
                elif kind == "path":
                    self.assertEqual(self.browser.evaluate(f"{widget}.placeholder"), default)
                    self.assertTrue(self.accepts(widget, "/etc/x"))
                    self.assertFalse(self.accepts(widget, "etc/x"))

    def accepts(self, widget, value):
        return self.browser.evaluate(f"""(() => {{
            const input = {widget};
            input.value = {str(value)!r};
            input.dispatchEvent(new Event('blur'));
            return !input.classList.contains('cbi-input-invalid');
        }})()""")

    def takes(self, name, value):
        """Whether the daemon takes the value."""
        text = f"config minewall 'main'\n\t{'list' if options()[name][0] == 'list' else 'option'} {name} '{value}'\n"
        file = Path(self.config.parent) / "asked"
        file.write_text(text)
        asked = subprocess.run([program(), "config", "--config", file], capture_output=True, text=True)
        self.assertIn(asked.returncode, (0, 1))
        return asked.returncode == 0

    def test_texts_are_checked_as_the_daemon_checks_them(self):
        self.open(SETTINGS)
        for name, good, bad in (
            ("allow_host", ("192.168.1.50", "192.168.1.0/24", "2001:db8::1", "fd00::/8", "02:00:5e:10:00:01",
                            "02-00-5E-10-00-01"),
             ("childs-laptop", "192.168.1", "02:00:5e:10:00", "02-00:5e-10:00-01", "999.1.1.1", "192.168.1.0/33", "1.2.3.4/",
              "2001:db8::/129", "2001:db8:::1", "::g")),
            ("allow_endpoint", ("192.0.2.1", "192.0.2.1:3333", "192.0.2.0/24", "192.0.2.0/24:3333", "2001:db8::1",
                                "[2001:db8::1]:3333", "[2001:db8::/32]:3333", "[192.0.2.1]:1"),
             ("pool.example:3333", "192.0.2.1:99999", "192.0.2.1:", "[2001:db8::1", "x", "999.1.1.1", "999.1.1.1:1", "[192.0.2.1/33]:1",
              "[2001:db8::1]:70000", "192.0.2.1/33:1")),
            ("watch_zones", ("guest", "br-guest", "eth0.3", "a_b", "if@2"), ("a b", "-a", "wg*", "sixteen-letters-")),
            ("watch_interfaces", ("br-lan",), ("br lan", "br/lan")),
            ("intel_lists", ("/a", "/a/b"), ("a", "b/c")),
            ("collector", ("syslog", "udp://192.168.1.9:514", "tcp://logs.example:601", "tls://[2001:db8::1]:6514"),
             ("192.168.1.9:514", "http://a:1", "tcp://a", "tcp://a:0", "tcp://a:65536", "tcp://a/b:1", "tcp://[192.0.2.1]:1", "tcp://:1")),
            ("collector_certificate", ("ab" * 32, "AB:" * 31 + "AB", "sha-256:" + "AB:" * 31 + "AB"), ("ab", "xy" * 32, "ab" * 33)),
        ):
            widget = f"document.querySelector('{self.field(name)}').querySelector('input')"
            for values, is_good in ((good, True), (bad, False)):
                for value in values:
                    self.assertEqual(self.takes(name, value), is_good, f"the daemon: {name} {value}")
                    self.assertEqual(self.accepts(widget, value), is_good, f"the page: {name} {value}")

    def test_save_and_apply(self):
        before = self.config.read_text()
        self.open(SETTINGS)
        self.fill("flow_idle", "900")
        self.fill("allow_host", "192.168.1.50")
        self.browser.click(f"{self.field('allow_host')} .cbi-button-add")
        self.browser.click(f"{self.field('enabled')} input")
        self.save()
        self.assertTrue(self.router.applied.wait(60))
        text = self.config.read_text()
        self.assertIn("\toption flow_idle '900'\n", text)
        self.assertIn("\tlist allow_host '192.168.1.50'\n", text)
        self.assertIn("\toption enabled '0'\n", text)
        options = lambda text: set(re.findall(r"^\t(?:option|list) (\w+) ", text, re.M))
        self.assertEqual(options(text), options(before) | {"flow_idle", "allow_host", "enabled"},
                         "what was not touched stays the daemon's default")

    def test_a_list_from_elsewhere_is_added_and_removed(self):
        self.open(SETTINGS)
        self.browser.click('.cbi-tabmenu [data-tab="known"] a')
        self.browser.evaluate("document.querySelector('[data-type=feed] .cbi-section-create-name').focus()")
        self.browser.type("pools")
        self.browser.click("[data-type=feed] .cbi-section-create .cbi-button-add")
        feed = '[data-section="pools"] '
        self.browser.wait(f"document.querySelector('{feed}')")
        url = f"document.querySelector('{feed + self.field('url')} input')"
        self.assertFalse(self.accepts(url, "lists.example"))
        self.assertFalse(self.accepts(url, ""))
        self.assertTrue(self.accepts(url, "https://lists.example/pools.txt"))
        self.browser.evaluate(f"document.querySelector('{feed + self.field('policy')} select').value = 'block'")
        self.save()
        self.assertTrue(self.router.applied.wait(60))
        self.assertIn("config feed 'pools'\n", self.config.read_text())
        self.assertIn("\toption url 'https://lists.example/pools.txt'\n\toption policy 'block'\n", self.config.read_text())

        self.router.applied.clear()
        self.browser.wait("!document.querySelector('.cbi-page-actions .spinning')")
        self.browser.click(f"{feed} .cbi-section-remove button")
        self.browser.wait(f"!document.querySelector('{feed}')")
        self.save()
        self.assertTrue(self.router.applied.wait(60))
        self.assertNotIn("feed", self.config.read_text())

    def test_a_notifier_is_added_has_its_types_options_and_is_tested(self):
        replies = {"notify_test": {"ok": True}}
        self.serve(answers={"notify_test": lambda _: replies["notify_test"]})
        self.open(SETTINGS)
        self.browser.click('.cbi-tabmenu [data-tab="notices"] a')
        self.browser.evaluate("document.querySelector('[data-type=notifier] .cbi-section-create-name').focus()")
        self.browser.type("phone")
        self.browser.click("[data-type=notifier] .cbi-section-create .cbi-button-add")
        phone = '[data-section="phone"] '
        self.browser.wait(f"document.querySelector('{phone}')")

        def shown():
            return self.browser.evaluate(f"""Array.from(document.querySelectorAll('{phone}.cbi-value'))
                .filter((node) => node.style.display != 'none').map((node) => node.dataset.name)""")

        self.assertEqual(shown(), ["enabled", "type", "url", "topic", "token", "report", "_test"])
        self.browser.evaluate(f"""(() => {{ const type = document.querySelector('{phone + self.field('type')} select');
            type.value = 'telegram'; type.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()""")
        self.assertEqual(shown(), ["enabled", "type", "chat", "token", "report", "_test"])
        self.assertEqual(self.browser.evaluate(f"document.querySelector('{phone + self.field('token')} input').type"), "password")
        for name, text in (("token", "123:abc"), ("chat", "42")):
            self.browser.evaluate(f"document.querySelector('{phone + self.field(name)} input').focus()")
            self.browser.type(text)
        self.save()
        self.assertTrue(self.router.applied.wait(60))
        self.assertIn("config notifier 'phone'\n", self.config.read_text())
        self.assertIn("\toption type 'telegram'\n", self.config.read_text())
        self.browser.click(f"{phone + self.field('_test')} button")
        self.wait_for("phone: The test was sent.")
        replies["notify_test"] = {"ok": False, "error": "HTTP error 401 <b>"}
        self.browser.wait(f"!document.querySelector('{phone + self.field('_test')} button').disabled")
        self.browser.click(f"{phone + self.field('_test')} button")
        self.wait_for("phone: HTTP error 401 <b>")
        self.assertEqual(self.calls_of("notify_test"), 2 * [{"name": "phone"}])

    def test_what_is_out_of_range_is_not_saved(self):
        before = self.config.read_text()
        self.open(SETTINGS)
        self.fill("flow_idle", "1")
        self.save()
        self.browser.wait("document.body.classList.contains('modal-overlay-active')")
        self.assertIn("Idle connections", self.browser.text("#modal_overlay"))
        self.assertEqual(self.config.read_text(), before)
        self.assertEqual([call for call in self.router.calls if call[:2] == ("uci", "set")], [])
        # The form's own promise is rejected, with nobody to catch it, as in LuCI.
        self.expected_complaints = ["Idle connections: Expecting"]

    def test_an_error_of_the_configuration_is_shown_and_goes(self):
        answers = {"status": canned.status(problems=[
            {"code": "config", "text": "/etc/config/minewall:3: 'x' is no mode"},
            {"code": "rules", "text": "not for this page"}])}
        self.serve(answers={"status": lambda _: answers["status"]})
        self.open(SETTINGS)
        self.wait_for("'x' is no mode")
        self.assertEqual(self.count("[data-problem]"), 1)
        answers["status"] = canned.status()
        self.browser.wait("!document.querySelector('[data-problem]')")

    def test_who_may_only_look(self):
        self.router.scopes = ("read",)
        self.open(SETTINGS)
        self.assertEqual(self.count(".cbi-value input:not([disabled]), .cbi-value select:not([disabled])"), 0)
        self.assertEqual(self.count(".cbi-page-actions button:not([disabled])"), 0)
        self.assertEqual(self.router.call("uci", "set", {"config": "minewall", "section": "main", "values": {}}), (6, None))


if __name__ == "__main__":
    unittest.main()
