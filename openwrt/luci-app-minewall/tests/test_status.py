"""The status page and the overview's widget, in a browser, on canned answers."""

import threading
import unittest

import canned
from case import LISTS, OVERVIEW, PHONE, SETTINGS, STATUS, PageCase

HOST = '[data-client="192.168.1.50"]'


def busy(**changes):
    """Answers of a house in which something goes on."""
    hosts, events = canned.household()
    return {"hosts": {"hosts": hosts}, "events": {"events": events}, **changes}


class Answer(PageCase):
    """Is anybody mining in my house?"""

    def answered(self, page=STATUS):
        self.open(page)
        return (self.browser.evaluate("document.querySelector('[data-state]').getAttribute('data-state')"),
                self.browser.text("[data-state]"))

    def test_quiet_and_protected(self):
        state, text = self.answered()
        self.assertEqual(state, "protecting")
        self.assertIn("Protected\nNobody is mining in your network.", text)
        self.assertIn("Version 0.1.0, watching for 3d 4h 4m 5s", text)
        self.assertEqual(self.count(".mw-good"), 1)

    def test_a_blocked_miner_is_named(self):
        self.serve(answers=busy())
        state, text = self.answered()
        self.assertEqual(state, "protecting")
        self.assertIn("childs-laptop tried to mine and was cut off. office-pc is suspected of mining; nothing is proven.", text)
        self.assertIn("rig-in-the-cellar mined, which you allow.", text)
        self.assertEqual(self.count(".mw-warn"), 1)

    def test_several_are_counted(self):
        hosts = [canned.host(client=f"192.168.1.{number}", host=None) for number in range(1, 5)]
        self.serve(answers={"hosts": {"hosts": hosts}})
        self.assertIn("4 hosts tried to mine and were cut off.", self.answered()[1])
        self.assertEqual(self.browser.texts(".mw-host b"), [f"192.168.1.{number}" for number in range(1, 5)])

    def test_yesterday_is_not_now(self):
        hosts = [canned.host(last_time=canned.ago(hours=30))]
        self.serve(answers={"hosts": {"hosts": hosts}})
        self.assertIn("Nobody is mining", self.answered()[1])
        self.assertEqual(self.browser.texts(".mw-host b"), ["childs-laptop"])

    def test_never_green_while_a_host_has_mined(self):
        for changes, mood in (({"verdict": "blocked"}, "warn"), ({"verdict": "suspected"}, "warn"), ({"host_allowed": True}, "warn"),
                              ({"verdict": "monitored"}, "bad"), ({"last_time": "when?"}, "warn")):
            for state in ("protecting", "monitoring"):
                with self.subTest(changes, state=state):
                    self.serve(answers={"status": canned.status(state=state), "hosts": {"hosts": [canned.host(**changes)]}})
                    text = self.answered()[1]
                    self.assertEqual((self.count(f".mw-{mood}"), self.count(".mw-good")), (1, 0))
                    self.assertEqual("Protected" in text, state == "protecting" and mood != "bad")
                    self.leave()

    def test_monitoring(self):
        self.serve(answers={"status": canned.status(state="monitoring", mode="monitor"),
                            "hosts": {"hosts": [canned.host(verdict="monitored")]}})
        state, text = self.answered()
        self.assertEqual(state, "monitoring")
        self.assertIn("Monitoring\nchilds-laptop mines, and is not blocked. Miners are reported, not blocked.", text)
        self.assertEqual(self.count(".mw-bad"), 1)

    def test_off_and_why(self):
        missing = "Error: Could not process rule: No such file or directory (is kmod-nft-queue installed?)"
        for code, text in (("disabled", "option enabled is 0"), ("not_running", "the daemon does not answer"),
                           ("config", "/etc/config/minewall:3: option 'mode' is 'blok', not one of block, monitor"),
                           ("rules", missing)):
            with self.subTest(code):
                self.serve(answers={"status": canned.off(code, text)})
                state, answer = self.answered()
                self.assertEqual(state, "off")
                self.assertIn("Off\nNobody is watching", answer)
                self.assertIn(text, self.browser.text(f'[data-problem="{code}"]'))
                self.assertEqual(self.count(".mw-bad"), 1)
                self.assertIn("No host that tried to mine is remembered.", self.browser.text(".mw-hosts"))
                self.leave()

    def test_a_refused_configuration_beside_a_daemon_that_goes_on(self):
        problem = {"code": "config", "text": "/etc/config/minewall:3: unknown option 'mod'"}
        self.serve(answers={"status": canned.status(problems=[problem])})
        self.assertEqual(self.answered()[0], "protecting")
        self.assertIn("unknown option 'mod' Correct the settings.", self.browser.text('[data-problem="config"]').replace("\n", " "))

    def test_other_routers_the_choice_of_networks_and_the_collector_are_shown(self):
        self.serve()
        self.answered()
        self.assertEqual(self.count(".mw-fleet table"), 0)
        self.assertEqual(self.count('[data-health="watched"], [data-health="collector"]'), 0)
        self.leave()
        daemon = {**canned.DAEMON, "watched": ["guest", "br-iot"],
                  "collector": {"address": "tls://logs.example:6514", "sent": 7, "waiting": 2, "lost": 1},
                  "fleet": [{"router": "cabin", "last_time": canned.ago(hours=30), "messages": 9, "taken": 1, "refused": 0},
                            {"router": "<b>office</b>", "last_time": canned.ago(minutes=4), "messages": 3, "taken": 2, "refused": 5}]}
        self.serve(answers={"status": canned.status(daemon=daemon)})
        self.assertIn("Nobody is mining in the watched networks: guest, br-iot.", self.answered()[1])
        self.assertEqual(self.browser.text('[data-health="watched"]'), "only guest, br-iot")
        self.assertEqual(self.browser.text('[data-health="collector"]'), "tls://logs.example:6514: 7 sent, 2 waiting, 1 lost")
        self.assertEqual(self.browser.texts(".mw-fleet tbody tr td:first-child"), ["<b>office</b>", "cabin"], "the latest first")
        self.assertEqual(self.browser.texts('[data-router="cabin"] td')[2:], ["1", "0"])
        self.assertIn("4 minutes ago", self.browser.text(".mw-fleet"))

    def test_no_answer_and_back_again(self):
        answers = {"status": 4}
        self.serve(answers={"status": lambda _: answers["status"]})
        self.assertEqual(self.answered()[0], "unknown")
        self.wait_for("failed with ubus code 4")
        answers["status"] = canned.status()
        self.wait_for("Nobody is mining in your network.")
        self.assertEqual(self.count(".mw-problems .alert-message"), 0)

    def test_the_overview_says_it_too(self):
        self.serve(answers=busy())
        state, text = self.answered(OVERVIEW)
        self.assertEqual(state, "protecting")
        self.assertIn("childs-laptop tried to mine and was cut off.", text)
        self.assertEqual(self.browser.texts(".mw-widget b"), ["childs-laptop", "office-pc", "rig-in-the-cellar"])
        self.assertEqual(self.browser.evaluate("document.querySelector('.mw-widget a').pathname"),
                         "/cgi-bin/luci/" + STATUS)

    def test_the_overview_without_an_answer(self):
        self.serve(answers={"status": 4})
        self.open(OVERVIEW)
        self.wait_for("The router gives no answer.")


class Health(PageCase):
    """It says how it knows that it works."""

    def rows(self):
        self.browser.wait("document.querySelector('[data-health]')")
        return self.browser.evaluate("""Object.fromEntries(Array.from(document.querySelectorAll('[data-health]'),
            (node) => [ node.dataset.health, node.innerText ]))""")

    def test_what_the_answer_rests_on(self):
        self.open(STATUS)
        self.assertEqual(self.rows(), {"rules": "loaded", "packets": "420", "lists": "3 (entries: 1200)",
                                       "list-error": "none", "selftest": "none since the start"})
        bad = {"code": "list", "text": "list /x.block is refused: <b>bad</b>", "remedy": "Correct it."}
        daemon = {**canned.DAEMON, "queue": {**canned.DAEMON["queue"], "has_rules": False}}
        self.serve(answers={"status": canned.status(problems=[bad], daemon=daemon, selftest={"time": 1, "failed": 2})})
        self.open(STATUS)
        rows = self.rows()
        self.assertEqual((rows["rules"], rows["list-error"]), ("missing", bad["text"]))
        self.assertIn("2 checks failed, ", rows["selftest"])

    def test_the_self_test(self):
        checks = [{"name": "rules", "outcome": "ok", "text": "the kernel has them"},
                  {"name": "lists", "outcome": "FAILED", "text": "list <img src=x> is refused"}]
        answers = {"selftest": {"ok": True, "failed": 1, "checks": checks}}
        self.serve(answers={"selftest": lambda _: answers["selftest"]})
        self.open(STATUS)
        self.browser.click("[data-deed=selftest]")
        self.browser.wait("document.querySelectorAll('[data-check]').length == 2")
        self.assertEqual(self.browser.texts("[data-check]"),
                         ["ok rules the kernel has them", "FAILED lists list <img src=x> is refused"])
        answers["selftest"] = {"ok": False, "error": "the router is busy"}
        self.browser.wait("!document.querySelector('[data-deed=selftest]').disabled")
        self.browser.click("[data-deed=selftest]")
        self.wait_for("the router is busy")

    def test_who_may_only_look_has_no_button(self):
        self.router.scopes = ("read",)
        self.open(STATUS)
        self.rows()
        self.assertEqual(self.count("[data-deed=selftest]"), 0)


class Many(PageCase):
    """Fifty hosts."""

    def setUp(self):
        super().setUp()
        verdicts = ("blocked", "suspected", "monitored")
        hosts = [canned.host(client=f"10.0.0.{number}", mac=f"02:00:5e:10:00:{number:02x}", host=f"host-{number:02}",
                             verdict=verdicts[number % 3], detections=number, last_time=canned.ago(minutes=number))
                 for number in range(1, 51)]
        self.serve(answers={"hosts": {"hosts": hosts, "isolated": ["02:00:5E:10:00:07"]}})

    def names(self):
        return self.browser.texts(".mw-host .mw-who b")

    def choose(self, order):
        self.browser.evaluate(f"""(() => {{ const order = document.querySelector('.mw-tools select');
            order.value = '{order}'; order.dispatchEvent(new Event('change')); }})()""")

    def test_sorted_filtered_and_folded(self):
        self.open(STATUS)
        self.assertEqual((len(self.names()), self.names()[0]), (50, "host-01"))
        self.assertEqual(self.count(".mw-folded"), 50)
        self.choose("times")
        self.assertEqual(self.names()[0], "host-50")
        self.choose("verdict")
        self.assertEqual(self.browser.texts(".mw-host .mw-verdict")[0], "Reported")
        self.choose("name")
        self.browser.evaluate("document.querySelector('.mw-tools input').focus()")
        self.browser.type("host-07")
        self.browser.wait("document.querySelectorAll('.mw-host').length == 1")
        self.assertIn("Isolated", self.browser.texts(".mw-host .mw-verdict"))
        self.browser.click(".mw-host .mw-who b")
        self.browser.wait("!document.querySelector('.mw-folded')")
        self.assertIn("Let back", self.browser.text(".mw-deeds"))
        before = len(self.calls_of("hosts"))
        self.until(lambda: len(self.calls_of("hosts")) >= before + 2)
        self.assertEqual((self.names(), self.count(".mw-folded")), (["host-07"], 0), "a poll changes nothing of it")
        self.browser.evaluate("document.querySelector('.mw-tools input').focus()")
        self.browser.type("x")
        self.wait_for("No host fits the filter.")

    def test_on_a_telephone_a_host_is_less_than_a_screen(self):
        self.open(STATUS, **PHONE)
        self.browser.wait("document.querySelectorAll('.mw-host').length == 50")
        self.browser.click(".mw-host .mw-who b")
        heights = self.browser.evaluate("Array.from(document.querySelectorAll('.mw-host'), (node) => node.offsetHeight)")
        self.assertLess(heights[0], PHONE["height"])
        self.assertLess(max(heights[1:]), 90)
        self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), 360)


class Controls(PageCase):
    """Start, stop, restart, rest."""

    def click(self, deed):
        self.browser.wait(f"document.querySelector('.mw-controls [data-deed={deed}]')?.disabled === false")
        self.browser.click(f".mw-controls [data-deed={deed}]")

    def test_suspended_and_back(self):
        answers = {"status": canned.status()}

        def suspend(arguments):
            left = 60 * arguments["minutes"]
            problems = [{"code": "suspended", "text": "suspended for 10 more minutes"}]
            answers["status"] = canned.off("suspended", "x", suspended=left) | {"problems": problems} if left else canned.status()
            return {"ok": True}

        self.serve(answers={"status": lambda _: answers["status"], "suspend": suspend})
        self.open(STATUS)
        self.click("suspend")
        self.wait_for("Nothing is watched for 10 more minutes; then it comes back by itself.")
        self.assertEqual(self.count("[data-state=suspended]"), 1)
        self.leave()
        self.open(OVERVIEW)
        self.wait_for("Nothing is watched for 10 more minutes")
        self.leave()
        self.open(STATUS)
        self.click("resume")
        self.wait_for("It watches again.")
        self.wait_for("Protected")
        self.assertEqual(self.calls_of("suspend"), [{"minutes": 10}, {"minutes": 0}])

    def test_stop_start_restart_and_a_refusal(self):
        answers = {"status": canned.status(), "service": {"ok": True}}
        self.serve(answers={"status": lambda _: answers["status"], "service": lambda _: answers["service"]})
        self.open(STATUS)
        self.click("restart")
        self.wait_for("Restarted.")
        answers["status"] = canned.off("not_running", "no daemon")
        self.click("stop")
        self.wait_for("Stopped.")
        answers["service"] = {"ok": False, "error": "the kernel has no packet queues"}
        self.click("start")
        self.wait_for("the kernel has no packet queues")
        self.assertEqual(self.calls_of("service"), [{"action": "restart"}, {"action": "stop"}, {"action": "start"}])

    def test_who_may_only_look_has_none(self):
        self.router.scopes = ("read",)
        self.open(STATUS)
        self.wait_for("Protected")
        self.assertEqual(self.count(".mw-controls button"), 0)


class Contents(PageCase):
    """Who, what, where, since when."""

    def setUp(self):
        super().setUp()
        self.serve(answers=busy())

    def test_hosts(self):
        self.open(STATUS)
        cards = self.browser.texts(".mw-host")
        for text in ("childs-laptop", "192.168.1.50, 02:00:5e:10:00:01", "rx/0, XMRig/6.26.0 (Linux x86_64)",
                     "at pool.example, 203.0.113.9:3333", "wallet 48edfH..Zx2q", "Blocked"):
            self.assertIn(text, cards[0])
        self.assertRegex(cards[0], r"3 times, latest \d minutes ago\n")
        self.assertIn("an encrypted session", cards[1])
        self.assertIn("Suspected", cards[1])
        self.assertIn("Allowed", cards[2])

    def test_events_the_latest_first_and_more_on_demand(self):
        self.open(STATUS)
        self.assertIn("childs-laptop", self.browser.texts(".mw-events tbody tr")[0])
        self.assertEqual(self.count(".mw-events tbody tr"), 10)
        self.browser.click(".mw .cbi-section:last-child > .btn")
        self.browser.wait("document.querySelectorAll('.mw-events tbody tr').length == 19")
        self.browser.wait("getComputedStyle(document.querySelector('.mw .cbi-section:last-child > .btn')).display == 'none'")

    def test_a_pool_that_was_known_before(self):
        event = canned.event(source="intel", dialect="unknown", coin=None, agent=None, evidence="on a list")
        self.serve(answers={"hosts": {"hosts": [canned.host(dialect="unknown")]}, "events": {"events": [event]}})
        self.open(STATUS)
        self.assertIn("a connection to a known pool\nat pool.example, 203.0.113.9:3333", self.browser.text(".mw-host"))
        self.assertIn("pool.example", self.browser.text(".mw-events td:nth-child(4)"))

    def test_charts(self):
        self.open(STATUS)
        heights = self.browser.evaluate("""['mw-blocked', 'mw-other'].map((kind) =>
            Array.from(document.querySelectorAll('rect.' + kind)).filter((bar) => +bar.getAttribute('height') > 0).length)""")
        self.assertGreater(heights[0], 10, "hours with something blocked")
        self.assertEqual(heights[1], 2, "hours with a suspicion")
        self.assertIn("17", self.browser.texts(".mw-tile b"))
        self.assertIn("81.2 M", self.browser.texts(".mw-tile b"))

    def test_counters_move(self):
        daemon = canned.STATUS["daemon"]
        packets = iter(range(1000, 10**9, 1000))
        self.serve(answers={"status": lambda _: canned.status(daemon={**daemon, "packets": next(packets)})})
        self.open(STATUS)
        self.browser.wait("document.querySelector('.mw-line')?.points.length >= 3")
        self.assertRegex(self.browser.text(".mw-charts"), r"\d+ per second now")

    def test_events_are_not_asked_for_in_vain(self):
        self.open(STATUS)
        self.browser.wait("document.querySelector('.mw-chart')")
        self.until(lambda: len(self.calls_of("status")) >= 3)
        self.assertEqual(len(self.calls_of("events")), 1)
        self.assertEqual(self.calls_of("events"), [{"last": 500}])

    def test_a_new_detection_shows_without_a_reload(self):
        hosts, events = [], []
        self.serve(answers={"hosts": lambda _: {"hosts": hosts}, "events": lambda _: {"events": events}})
        self.open(STATUS)
        self.wait_for("Nobody is mining")
        events.append(canned.event())
        hosts.append(canned.host())
        self.wait_for("childs-laptop tried to mine and was cut off.")
        self.wait_for("login from the client")

    def test_german(self):
        from catalogue import translation
        self.router.catalogue = translation("de")
        self.open(STATUS)
        self.wait_for("Geschützt")
        self.assertIn("Blockiert", self.browser.texts(".mw-verdict"))

    def test_a_telephone(self):
        name = "a" * 63
        long = {"host": name, "server": "[2001:db8:1111:2222:3333:4444:5555:6666]:33333", "agent": "x" * 80}
        self.serve(answers={"hosts": {"hosts": [canned.host(**{**long, "agent": None})]},
                            "events": {"events": [canned.event(**long, evidence="y" * 120)]},
                            "status": canned.status(problems=[{"code": "config", "text": "z" * 200}]),
                            "lists": {"feeds": [canned.feed(url="https://x.example/" + "u" * 120)], "own": []}})
        for page in (STATUS, SETTINGS, LISTS, OVERVIEW):
            self.open(page, **PHONE)
            self.browser.wait("document.querySelector('.mw-events tbody tr, .mw-widget, .cbi-map, .mw-feeds tbody tr')")
            # The style sheet of a widget may come behind its rows.
            self.browser.wait("document.documentElement.scrollWidth <= 360")
            self.leave()


class Deeds(PageCase):
    """One click to allow, unblock, probe."""

    def click(self, deed):
        self.browser.wait(f"document.querySelector('{HOST} [data-deed={deed}]')?.disabled === false")
        self.browser.click(f"{HOST} [data-deed={deed}]")

    def outcome(self):
        self.browser.wait(f"document.querySelector('{HOST} .mw-outcome span')")
        return self.browser.text(f"{HOST} .mw-outcome span")

    def serve_deeds(self, **answers):
        self.serve(answers=busy(**answers))
        self.open(STATUS)

    def test_what_each_button_does_is_said_without_a_pointer(self):
        self.serve_deeds()
        titles = self.browser.texts(f"{HOST} .mw-deeds button")
        self.assertEqual(self.browser.evaluate(f"document.querySelector('{HOST} .mw-deeds details').open"), False)
        self.browser.evaluate(f"document.querySelector('{HOST} .mw-deeds summary').click()")
        self.assertEqual(self.browser.texts(f"{HOST} .mw-deeds dt"), titles)
        self.assertIn("Whether every host may mine at 203.0.113.9:3333", self.browser.text(f"{HOST} .mw-deeds dl"))

    def test_allow_host_and_take_it_back(self):
        def allow(arguments):
            return {"ok": True, "option": "allow_host", "value": arguments["host"]}

        self.serve_deeds(allow=allow)
        self.click("host")
        self.assertEqual(self.outcome(), "02:00:5e:10:00:01 may mine from now on.")
        self.assertEqual(self.calls_of("allow"), [{"host": "02:00:5e:10:00:01", "remove": False}])
        self.click("undo")
        self.wait_for("02:00:5e:10:00:01 may not mine any more.")
        self.assertEqual(self.calls_of("allow")[1:], [{"host": "02:00:5e:10:00:01", "remove": True}])

    def test_isolate_and_take_it_back(self):
        isolated = []

        def isolate(arguments):
            isolated[:] = [] if arguments["remove"] else [arguments["host"]]
            return {"ok": True, "rule": "minewall_x"}

        hosts, events = canned.household()
        self.serve(answers={"hosts": lambda _: {"hosts": hosts, "isolated": list(isolated)}, "events": {"events": events}, "isolate": isolate})
        self.open(STATUS)
        self.click("isolate")
        self.assertEqual(self.outcome(), "02:00:5e:10:00:01 reaches no other network any more.")
        self.wait_for("Let back")
        self.assertIn("Isolated", self.browser.texts(f"{HOST} .mw-verdict"))
        self.click("undo")
        self.wait_for("02:00:5e:10:00:01 is let back.")
        self.assertEqual(self.calls_of("isolate"), [
            {"host": "02:00:5e:10:00:01", "client": "192.168.1.50", "remove": False},
            {"host": "02:00:5e:10:00:01", "client": "192.168.1.50", "remove": True}])
        self.browser.wait(f"!document.querySelector('{HOST}').innerText.includes('Isolated')")

    def test_a_host_without_a_hardware_address(self):
        self.serve(answers={"hosts": {"hosts": [canned.host(mac=None)]}, "allow": {"ok": True}})
        self.open(STATUS)
        self.click("host")
        self.assertEqual(self.outcome(), "192.168.1.50 may mine from now on.")

    def test_an_allowed_host_can_be_forbidden(self):
        self.serve_deeds(allow={"ok": True})
        self.browser.click('[data-client="192.168.1.12"] [data-deed=host]')
        self.wait_for("02:00:5e:10:00:07 may not mine any more.")
        self.assertEqual(self.calls_of("allow"), [{"host": "02:00:5e:10:00:07", "remove": True}])

    def test_allow_pool(self):
        self.serve_deeds(allow={"ok": True, "option": "allow_endpoint", "value": "203.0.113.9:3333"})
        self.click("pool")
        self.assertEqual(self.outcome(), "Every host may mine at 203.0.113.9:3333 from now on.")
        self.assertEqual(self.calls_of("allow"), [{"endpoint": "203.0.113.9:3333", "remove": False}])

    def test_unblock(self):
        self.serve_deeds(unblock={"ok": True, "text": "203.0.113.9:3333 is forgotten"})
        self.click("unblock")
        self.assertEqual(self.outcome(), "203.0.113.9:3333 is forgotten")
        self.assertEqual(self.calls_of("unblock"), [{"target": "203.0.113.9:3333"}])

    def test_probe(self):
        answer = {"ok": True, "endpoint": "203.0.113.9:3333", "outcome": "pool", "dialect": "cryptonote",
                  "transport": "tcp", "evidence": "a job, unasked", "elapsed_ms": 120}
        self.serve_deeds(probe=lambda _: answer)
        for outcome, text in (("pool", "is a mining pool."), ("not_pool", "is not a mining pool."),
                              ("inconclusive", "did not say what it is.")):
            answer["outcome"] = outcome
            self.click("probe")
            self.wait_for(f"203.0.113.9:3333 {text} cryptonote, tcp, a job, unasked")
        self.assertEqual(self.calls_of("probe"), 3 * [{"server": "203.0.113.9:3333"}])

    def test_a_refusal_is_shown(self):
        self.serve_deeds(unblock={"ok": False, "error": "nothing is known of 203.0.113.9:3333"})
        self.click("unblock")
        self.assertEqual(self.outcome(), "nothing is known of 203.0.113.9:3333")
        self.assertEqual(self.count(f"{HOST} .mw-outcome .danger"), 1)

    def test_a_failure_is_shown(self):
        self.serve_deeds(probe=9)
        self.click("probe")
        self.assertIn("failed with ubus code 9", self.outcome())

    def test_a_second_click_waits_for_the_first(self):
        finish = threading.Event()
        self.addCleanup(finish.set)

        def probe(_):
            finish.wait(60)
            return {"ok": True, "outcome": "inconclusive"}

        hosts = [canned.host()]
        self.serve(answers={"hosts": lambda _: {"hosts": hosts}, "probe": probe})
        self.open(STATUS)
        self.click("probe")
        button = f"document.querySelector('{HOST} [data-deed=probe]')"
        self.browser.wait(f"{button}.disabled")
        self.browser.click(f"{HOST} [data-deed=probe]")
        # News of the host must not bring a fresh button.
        hosts[0] = canned.host(detections=9)
        before = len(self.calls_of("hosts"))
        self.until(lambda: len(self.calls_of("hosts")) >= before + 2)
        self.assertTrue(self.browser.evaluate(f"{button}.disabled"))
        self.browser.click(f"{HOST} [data-deed=probe]")
        finish.set()
        self.assertIn("did not say", self.outcome())
        self.wait_for("9 times")
        self.browser.wait(f"!{button}.disabled")
        self.assertEqual(len(self.calls_of("probe")), 1)

    def test_the_result_stays_when_the_page_is_polled(self):
        hosts = [canned.host()]
        self.serve(answers={"hosts": lambda _: {"hosts": hosts}, "unblock": {"ok": True, "text": "forgotten"}})
        self.open(STATUS)
        self.click("unblock")
        self.assertEqual(self.outcome(), "forgotten")
        hosts[0] = canned.host(detections=4)
        self.wait_for("4 times")
        self.assertEqual(self.outcome(), "forgotten")

    def test_a_click_and_the_focus_survive_polls(self):
        self.serve_deeds(unblock={"ok": True, "text": "forgotten"})
        button = f"document.querySelector('{HOST} [data-deed=unblock]')"
        self.browser.evaluate(f"{button}.focus()")
        self.browser.press(f"{HOST} [data-deed=unblock]")
        before = len(self.calls_of("hosts"))
        self.until(lambda: len(self.calls_of("hosts")) >= before + 3)
        self.assertTrue(self.browser.evaluate(f"document.activeElement == {button}"))
        self.browser.release(f"{HOST} [data-deed=unblock]")
        self.assertEqual(self.outcome(), "forgotten")

    def test_who_may_only_look(self):
        self.serve(answers=busy())
        self.router.scopes = ("read",)
        self.open(STATUS)
        self.assertEqual(self.count(".mw-host"), 3)
        self.assertEqual(self.count("[data-deed]"), 0)

    def test_rights_are_granted_call_by_call(self):
        for method in ("status", "hosts", "events"):
            self.assertTrue(self.router.may("ubus", "minewall", method, scopes=("read",)))
        for method in ("allow", "unblock", "probe"):
            self.assertFalse(self.router.may("ubus", "minewall", method, scopes=("read",)), method)
            self.assertTrue(self.router.may("ubus", "minewall", method, scopes=("write",)), method)


if __name__ == "__main__":
    unittest.main()
