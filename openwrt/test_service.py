"""The package's scripts, installed from its Makefile, on a router's root: see router.py for what is modelled."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import pack
import router

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "target"


# Reads as many bytes as Content-Length says, and knows no chunks.
SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        print(self.path, self.headers["Content-Type"], body, flush=True)
        self.send_response(204 if self.path == "/minewall" else 404)
        self.end_headers()
    def log_message(self, *_):
        pass
listening = HTTPServer((sys.argv[1], int(sys.argv[2])), Handler)
print("listening", flush=True)
listening.serve_forever()
"""


def program():
    """The newest build for this machine."""
    built = [TARGET / profile / "minewall" for profile in ("debug", "release")]
    return max((file for file in built if file.exists()), key=lambda file: file.stat().st_mtime)


class OnRouter(unittest.TestCase):
    has_ujail = True

    @classmethod
    def setUpClass(cls):
        if why := router.missing():
            # As the live tests of the program have it.
            raise (AssertionError if os.environ.get("MINEWALL_LIVE") == "1" else unittest.SkipTest)(why)
        cls.scratch = Path(tempfile.mkdtemp(prefix="minewall-package-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.package = pack.read("minewall", cls.scratch, 0, program())

    def setUp(self):
        self.router = router.Router(self.has_ujail)
        self.addCleanup(self.router.off)

    def install(self):
        """As opkg does: files, first-start script, enable, start."""
        root = self.router.root
        shutil.copytree(self.package.root, root, dirs_exist_ok=True)
        self.router.copy_program(program(), "usr/sbin")
        names = [f"/{file.relative_to(self.package.root)}" for file in self.package.root.rglob("*") if file.is_file()]
        self.router.write("usr/lib/opkg/info/minewall.list", "".join(f"{name}\n" for name in names))
        self.router.check(". /lib/functions.sh; default_postinst /usr/lib/opkg/info/minewall.postinst")

    def log(self):
        self.router.log.settle()
        return self.router.read("var/log/messages")

    def listen(self, address, port):
        """What a web server on the router's network hears: path, type and body, a line each."""
        server = subprocess.Popen(["nsenter", "-t", self.router.init, "--net", "python3", "-c", SERVER, address, str(port)],
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (server.kill(), server.communicate()))
        self.assertEqual(server.stdout.readline(), "listening\n")
        return server.stdout

    def ask(self, method, arguments=None):
        """A call of the ubus object, as rpcd makes it."""
        plugin = f"/usr/libexec/rpcd/minewall call {method}"
        return json.loads(self.router.check(plugin, given=json.dumps(arguments or {})))


class Service(OnRouter):
    def test_starting_stopping_and_what_is_left(self):
        self.install()
        there = self.router
        there.wait_for(lambda: there.run("minewall status >/dev/null 2>&1") == 0)
        # The daemon runs, and the rules came when its queue was bound.
        self.assertIn("queue 1330", there.table())
        self.assertEqual(there.read("var/log/nft"), "load of {}, bound {}\n".format(*router.queues()))
        self.assertTrue((there.root / "etc/rc.d/S21minewall").exists())
        first = there.pid()
        # A start of what runs starts nothing.
        there.check("/etc/init.d/minewall start")
        self.assertEqual(there.pid(), first)
        there.check("/etc/init.d/minewall stop")
        self.assertEqual((there.table(), there.pid()), ("", ""))
        there.wait_until_gone(first)
        self.assertEqual(sorted(file.name for file in (there.root / "var/run/minewall").iterdir()), [])
        # What is stopped stays stopped, whatever the firewall does.
        there.check("fw4 reload")
        self.assertEqual(there.tables(), ["inet fw4\n"])
        there.check("/etc/init.d/minewall stop")
        there.check("/etc/init.d/minewall start")
        self.assertTrue(there.table())
        second = there.pid()
        there.check("/etc/init.d/minewall restart")
        self.assertNotIn(there.pid(), ("", second))
        self.assertTrue(there.table())
        there.check("/etc/init.d/minewall disable")
        left = [link.name for link in (there.root / "etc/rc.d").iterdir()]
        self.assertEqual([name for name in left if not name.endswith("-fleet")], [])
        self.assertTrue(there.table())
        there.check("/etc/init.d/minewall enable")
        self.assertEqual(there.run("/etc/init.d/minewall enabled"), 0)
        self.assertEqual(self.log().count("<27>"), 0, self.log())

    def test_the_firewall_comes_and_goes_in_any_order(self):
        self.install()
        there = self.router
        for command, minewall in [
            ("fw4 start", True), ("fw4 reload", True), ("fw4 reload", True), ("fw4 restart", True),
            ("/etc/init.d/firewall stop", False), ("/etc/init.d/firewall start", True),
            ("kill -s KILL $(pidof minewall); fw4 reload", True),
            ("/etc/init.d/firewall stop; /etc/init.d/minewall restart", True),
            ("/etc/init.d/minewall stop; fw4 reload", False), ("/etc/init.d/minewall start; fw4 restart", True),
        ]:
            there.check(command)
            self.assertEqual(bool(there.table()), minewall, command)

    def test_only_the_chosen_zones_are_watched(self):
        there = self.router
        there.write("etc/config/firewall", there.read("etc/config/firewall") +
                    "\nconfig zone\n\toption name 'guest'\n\toption network 'guest iot'\n")
        self.install()
        there.check("fw4 start")
        self.assertIn("chain watch_forward", there.table())
        self.assertNotIn("br-guest", there.table())
        there.check("uci add_list minewall.main.watch_zones=guest; uci add_list minewall.main.watch_interfaces=eth0.7; /etc/init.d/minewall reload")
        # nft has its own order.
        watched = re.search(r"iifname \{ (.*) \} goto watch", there.table())
        self.assertEqual(sorted(watched[1].split(", ")), ['"br-guest"', '"br-iot"', '"eth0.7"'])
        self.assertEqual(self.ask("status")["daemon"]["watched"], ["guest", "eth0.7"])
        self.assertEqual(self.ask("status")["problems"], [])
        # The firewall that comes back asks for rules itself.
        there.check("fw4 reload")
        self.assertIn('"br-iot"', there.table())
        # A zone that the firewall does not know is no reason to watch everything, and no secret.
        there.check("uci del_list minewall.main.watch_interfaces=eth0.7; uci del_list minewall.main.watch_zones=guest; "
                    "uci add_list minewall.main.watch_zones=gest; /etc/init.d/minewall reload")
        self.assertIn("goto unwatched", there.table())
        self.assertNotIn("iifname {", there.table())
        said = "zone 'gest' has no device now: nothing of it is watched"
        self.assertEqual([(each["code"], each["text"]) for each in self.ask("status")["problems"]], [("zone", said)])
        self.assertEqual(self.log().count(said), 1)
        there.check("uci del_list minewall.main.watch_zones=gest; /etc/init.d/minewall reload")
        self.assertEqual(self.ask("status")["problems"], [])
        self.assertNotIn("unwatched", there.table())

    def test_a_network_that_comes_up_brings_back_rules_that_somebody_flushed(self):
        self.install()
        there = self.router
        there.check("nft flush ruleset")
        trigger = next(line for line in there.read("var/run/procd/minewall.triggers").splitlines() if "interface" in line)
        event, _, command = trigger.split(" ", 2)
        self.assertEqual(event, "interface.*.up")
        there.check(command)
        self.assertTrue(there.table())

    def test_flow_offload_waits_while_the_service_runs(self):
        there = self.router
        there.write("etc/config/firewall", "config defaults\n\toption flow_offloading '1'\n")
        there.check("fw4 start")
        rules = lambda: re.findall(r"(.*)log prefix \"flow add @ft\"", there.check("nft list table inet fw4"))
        plain = rules()
        self.assertEqual(len(plain), 1)
        self.install()
        waiting = rules()
        # With labels two states mean benign, with the mark one.
        self.assertIn(len(waiting), (2, 3))
        self.assertRegex(waiting[0], r"(tcp|6) ct (label|mark) ")
        for command in ("fw4 reload", "/etc/init.d/minewall reload", "/etc/init.d/firewall stop; fw4 start"):
            there.check(command)
            self.assertEqual(rules(), waiting, command)
        there.check("/etc/init.d/minewall stop")
        self.assertEqual(rules(), plain)

    def test_flow_offload_that_another_program_loads_later_waits_too(self):
        there = self.router
        self.install()
        there.wait_for(lambda: there.run("minewall status >/dev/null 2>&1") == 0)
        zapret = 'table inet zapret { chain forward { type filter hook forward priority -1; log prefix "flow add @ft"; }; }'
        rules = lambda: re.findall(r"(.*)log prefix \"flow add @ft\"", there.check("/usr/sbin/nft list table inet zapret"))
        for _ in range(2):
            there.check(f"echo '{zapret}' | /usr/sbin/nft -f -")
            there.wait_for(lambda: len(rules()) > 1, "flow offload goes unnoticed")
            there.check("/usr/sbin/nft delete table inet zapret")
        self.assertIn("<30>minewall: flow offload that another program has loaded waits for verdicts now", self.log())
        # It is as it was once the service is stopped.
        there.check(f"echo '{zapret}' | /usr/sbin/nft -f -")
        there.wait_for(lambda: len(rules()) > 1)
        there.check("/etc/init.d/minewall stop")
        self.assertEqual(len(rules()), 1)

    def test_a_reload_takes_what_it_can_by_a_signal_and_restarts_for_the_rest(self):
        self.install()
        there = self.router
        first = there.pid()
        there.edit("option mode 'block'", "option mode 'monitor'")
        there.check("/etc/init.d/minewall reload")
        self.assertNotIn("goto blocked", there.table())
        there.wait_for(lambda: "reloaded, monitor mode" in self.log())
        self.assertEqual((there.pid(), self.ask("status")["state"]), (first, "monitoring"))
        there.edit("#option queue '1330'", "option queue '7'")
        there.check("/etc/init.d/minewall reload")
        self.assertNotIn(there.pid(), ("", first))
        there.wait_until_gone(first)
        self.assertEqual(there.read("var/log/nft").splitlines()[-2:], ["removal", "load of {}, bound {}".format(*router.queues(7))])
        there.edit("option enabled '1'", "option enabled '0'")
        there.check("/etc/init.d/minewall reload")
        self.assertEqual((there.pid(), there.table()), ("", ""))
        status = self.ask("status")
        self.assertEqual((status["state"], status["problems"][0]["code"]), ("off", "disabled"))
        there.edit("option enabled '0'", "option enabled '1'")
        there.check("/etc/init.d/minewall reload")
        self.assertTrue(there.alive(there.pid()) and there.table())

    def test_a_bad_configuration_changes_nothing_and_is_told(self):
        self.install()
        there = self.router
        first, table = there.pid(), there.table()
        there.edit("option mode 'block'", "option mode 'never'")
        self.assertNotEqual(there.run("/etc/init.d/minewall reload"), 0)
        line = 1 + there.read("etc/config/minewall").splitlines().index("\toption mode 'never'")
        complaint = f"/etc/config/minewall:{line}: option 'mode': 'never' is not block|monitor"
        self.assertIn(f"<27>minewall: {complaint}", self.log())
        self.assertEqual((there.pid(), there.table()), (first, table))
        there.check("/etc/init.d/minewall start")
        self.assertEqual((there.pid(), there.table()), (first, table))
        status = self.ask("status")
        self.assertEqual(status["state"], "protecting")
        self.assertEqual([(each["code"], each["text"]) for each in status["problems"]], [("config", complaint)])
        # A daemon that dies now comes back with the last good one.
        there.check("kill -s KILL $(pidof minewall)")
        there.wait_until_gone(first)
        there.check("$(cat /var/run/procd/minewall/daemon) >/dev/null 2>&1 & echo $! >/var/run/procd/minewall/daemon.pid")
        there.wait_for(lambda: self.ask("status")["state"] == "protecting")
        # But a start begins with what is there.
        self.assertEqual(there.run("/etc/init.d/minewall restart; [ ! -e /var/run/minewall/fixed ]"), 0)
        self.assertEqual((there.pid(), there.table()), ("", ""))
        self.assertEqual(self.ask("status")["state"], "off")
        there.edit("option mode 'never'", "option mode 'block'\n\toption colour 'red'")
        there.check("/etc/init.d/minewall reload")
        self.assertEqual(self.ask("status")["state"], "protecting")
        self.assertIn(f"<28>minewall: /etc/config/minewall:{line + 1}: unknown option 'colour' is ignored", self.log())

    def test_a_kernel_without_the_queue_statement_is_told_once_and_harms_nothing(self):
        there = self.router
        there.write("var/run/no-nft-queue", "")
        there.check("fw4 start")
        self.install()
        for _ in range(3):
            there.check("fw4 reload")
        said = [line for line in self.log().splitlines() if "kmod-nft-queue" in line]
        self.assertEqual(len(said), 1, said)
        self.assertEqual(there.tables(), ["inet fw4\n"])
        status = self.ask("status")
        self.assertEqual((status["state"], status["rules"], status["problems"][0]["code"]), ("off", False, "rules"))
        self.assertIn("is kmod-nft-queue installed?", status["problems"][0]["text"])
        (there.root / "var/run/no-nft-queue").unlink()
        there.check("fw4 reload")
        self.assertEqual(self.ask("status")["problems"], [])

    def test_a_kernel_without_queues_is_told_once_and_nothing_is_started(self):
        there = self.router
        self.install()
        there.check("/etc/init.d/minewall stop; sed -i 's,^QUEUES=.*,QUEUES=/nowhere,' /etc/init.d/minewall")
        there.write("var/log/messages", "")
        there.call("/etc/init.d/minewall start")
        there.check("fw4 reload")
        self.assertEqual((there.pid(), there.table(), self.log().count("kmod-nft-queue")), ("", "", 1))
        status = self.ask("status")
        self.assertEqual((status["state"], status["problems"][0]["code"]), ("off", "rules"))
        self.assertIn("is kmod-nft-queue installed?", status["problems"][0]["text"])
        for command in ("minewall status", "/etc/init.d/minewall status"):
            self.assertIn("is kmod-nft-queue installed?", there.call(command).stdout)

    def test_the_log_has_priorities(self):
        self.install()
        there = self.router
        there.wait_for(lambda: re.search(r"^<30>minewall: .*queue.* 1330 .*is watched in block mode$", self.log(), re.M))
        there.check("/etc/init.d/minewall stop")
        self.assertNotIn("queue 1330", there.read("var/log/stderr"))

    def test_after_a_restart_of_the_log_the_jailed_daemon_still_has_levels(self):
        self.install()
        there = self.router
        there.wait_for(lambda: re.search("<30>minewall: .*queue.* 1330 .*is watched", self.log()))
        there.log.restart()
        there.check("/etc/init.d/minewall reload")
        # The jail has the dead socket; what goes to standard output procd takes to the log as information.
        there.wait_for(lambda: re.search(r"^<30>minewall\[\d+\]: info: configuration reloaded", self.log(), re.M))

    def test_the_first_change_of_the_configuration_is_noticed(self):
        self.install()
        there = self.router
        there.check("uci set minewall.main.mode='monitor'; uci commit minewall; reload_config")
        there.wait_for(lambda: "reloaded, monitor mode" in self.log())

    def test_cron_runs_once_it_has_something_to_do(self):
        there = self.router
        there.check("/etc/init.d/cron start")
        self.assertEqual(there.run("[ -e /var/run/crond ]"), 1, "cron runs with an empty folder")
        self.install()
        self.assertEqual(there.run("[ -e /var/run/crond ]"), 0)

    def test_a_reload_starts_nothing_that_its_owner_stopped_or_disabled(self):
        self.install()
        there = self.router
        there.check("/etc/init.d/minewall stop; /etc/init.d/minewall reload")
        self.assertEqual((there.pid(), there.table()), ("", ""))
        there.check("/etc/init.d/minewall start")
        self.assertTrue(there.table())
        # Disabled, then a boot, whose /var/run is empty.
        there.check("/etc/init.d/minewall disable; /etc/init.d/minewall stop; rm -rf /var/run/minewall")
        feed = "\nconfig feed 'pools'\n\toption url 'https://lists.example/pools.txt'\n"
        there.write("etc/config/minewall", there.read("etc/config/minewall") + feed)
        there.check("minewall-update-lists")
        self.assertIn("pool.feed.example", there.read("var/lib/minewall/feeds/pools.suspect"))
        self.assertEqual((there.pid(), there.table()), ("", ""))

    def test_a_feed_that_is_too_large_ends_at_once(self):
        self.install()
        there = self.router
        feed = "\nconfig feed 'pools'\n\toption url 'https://lists.example/endless'\n\toption max_size '16'\n"
        there.write("etc/config/minewall", there.read("etc/config/minewall") + feed)
        begin = time.monotonic()
        self.assertEqual(there.run("minewall-update-lists"), 1)
        self.assertLess(time.monotonic() - begin, 30)
        self.assertIn("<28>minewall: feed pools: larger than 16 KiB", self.log())

    def test_the_service_s_status_tells_what_ubus_tells(self):
        self.install()
        there = self.router
        there.wait_for(lambda: there.run("/etc/init.d/minewall status") == 0)
        there.check("nft delete table inet minewall")
        done = there.call("/etc/init.d/minewall status")
        self.assertEqual(done.returncode, 1)
        text = self.ask("status")["problems"][0]["text"]
        self.assertIn(f"problem: {text}", done.stdout)
        # The program itself tells the same: no rules, and why; and a bad configuration hides nothing.
        self.assertIn("not loaded: no packet is seen", there.check("minewall status"))
        there.write("var/run/no-nft-queue", "")
        there.check("fw4 reload")
        text = self.ask("status")["problems"][0]["text"]
        for command in ("minewall status", "/etc/init.d/minewall status"):
            self.assertIn(f"problem: {text}", there.call(command).stdout)
        (there.root / "var/run/no-nft-queue").unlink()
        there.edit("option mode 'block'", "option mode 'never'")
        there.check("fw4 reload")
        text = self.ask("status")["problems"][0]["text"]
        for command in ("minewall status", "/etc/init.d/minewall status"):
            said = there.call(command).stdout
            self.assertIn(f"problem: {text}", said)
            self.assertIn("in block mode", said)
        there.check("/etc/init.d/minewall stop")
        self.assertNotEqual(there.run("/etc/init.d/minewall status"), 0)

    def test_validation_is_registered_with_procd(self):
        self.install()
        there = self.router
        validated = there.read("var/run/procd/minewall.validation")
        self.assertIn("mode:or(\"block\",\"monitor\"):block\n", validated)
        self.assertIn("config.change minewall\n", there.read("var/run/procd/minewall.triggers"))
        options = re.findall(r"^\t#?(?:option|list) (\w+) ", there.read("etc/config/minewall"), re.M)
        self.assertEqual(list(dict.fromkeys(options)), [line.split(":")[0] for line in validated.splitlines()])

    def test_first_start_mends_what_it_finds(self):
        there = self.router
        self.install()
        self.assertEqual(there.check("uci get firewall.minewall.path"), "/usr/share/minewall/firewall.include\n")
        script = self.package.root / "etc/uci-defaults/90-minewall"
        for text, socket in [("", ""), ("config minewall\n\toption control_socket '/var/run/minewall.sock'\n", ""),
                             ("config minewall 'main'\n\toption control_socket '/var/run/x/y'\n", "/var/run/x/y\n")]:
            there.write("etc/config/minewall", text)
            shutil.copy(script, there.root / "tmp/defaults")
            there.check("sh /tmp/defaults")
            there.check("minewall config")
            self.assertEqual(there.call("uci -q get minewall.@minewall[0].control_socket").stdout, socket)
            self.assertEqual(there.read("etc/config/firewall").count("minewall.path") + there.check(
                "uci show firewall").count("firewall.minewall=include"), 1)


class Jail(OnRouter):
    def process(self):
        """Of the daemon itself, as the router sees it."""
        there = self.router
        there.wait_for(lambda: there.run("minewall status >/dev/null 2>&1") == 0)
        return next(pid for pid in there.check("pidof minewall").split()
                    if there.call(f"readlink /proc/{pid}/exe").stdout.endswith("/usr/sbin/minewall\n"))

    def test_the_daemon_can_do_its_work_with_two_capabilities_and_an_empty_root(self):
        there = self.router
        there.write("tmp/dhcp.leases", "")
        there.write("etc/shadow", "secret")
        self.install()
        process = self.process()
        self.assertIn("1330", there.check("cat /proc/net/netfilter/nfnetlink_queue"))
        status = there.check(f"cat /proc/{process}/status")
        for line in ("CapEff:\t0000000000003000", "CapBnd:\t0000000000003000", "NoNewPrivs:\t1"):
            self.assertIn(line, status)
        root = f"/proc/{process}/root"
        self.assertEqual(there.run(f"[ -e {root}/etc/shadow ] || [ -e {root}/etc/config ]"), 1)
        for path in ("/tmp/dhcp.leases", "/etc/minewall", "/var/log/minewall", "/var/run/minewall/config"):
            self.assertEqual(there.run(f"[ -e {root}{path} ]"), 0, path)
        self.assertEqual(there.check(f"awk '{{ print $19 }}' /proc/{process}/stat"), "-5\n")
        # It can write where it has to, and not where others would run what it wrote.
        mounts = there.check(f"cat /proc/{process}/mounts")
        self.assertRegex(mounts, r" /etc/minewall \S+ rw")
        self.assertRegex(mounts, r" /etc/minewall/hooks.d \S+ ro")
        self.assertRegex(mounts, r"(?m)^\S+ / tmpfs ro")
        # What it learns, it tells the kernel.
        there.check("minewall intel add 203.0.113.9:3333")
        there.wait_for(lambda: "203.0.113.9 . 3333" in there.table())
        # Signals pass through.
        there.edit("option mode 'block'", "option mode 'monitor'")
        there.check("/etc/init.d/minewall reload")
        there.wait_for(lambda: "reloaded, monitor mode" in self.log())
        there.check("/etc/init.d/minewall stop")
        there.wait_until_gone(process)


    def test_leases_that_appear_after_the_start_are_read(self):
        there = self.router
        self.install()
        root = f"/proc/{self.process()}/root"
        there.write("tmp/dhcp.leases", "1 02:00:5e:10:00:01 192.168.1.50 laptop *\n")
        self.assertIn("laptop", there.check(f"cat {root}/tmp/dhcp.leases"))
        # odhcpd replaces its file.
        for name in ("phone", "tablet"):
            there.write("tmp/hosts/odhcpd.new", f"# br-lan 0001 2c0e {name} 1 a2f 128 2001:db8::a2f/128\n")
            there.check("mv /tmp/hosts/odhcpd.new /tmp/hosts/odhcpd")
            self.assertIn(name, there.check(f"cat {root}/tmp/hosts/odhcpd"))


class Fleet(OnRouter):
    def test_its_script_has_a_jail_of_its_own_and_no_capability(self):
        there = self.router
        self.install()
        section = "\nconfig fleet 'fleet'\n\toption enabled '1'\n\toption host 'broker'\n\toption publish '0'\n\toption password 'pw'\n"
        there.write("etc/config/minewall", there.read("etc/config/minewall") + section, 0o600)
        there.check("/etc/init.d/minewall-fleet start")
        there.wait_for(lambda: there.read("var/run/minewall-fleet/status"), "the broker's client does not start")
        self.assertRegex(there.read("var/run/minewall-fleet/status"), r"CapEff:\t0+\nCapBnd:\t0+\nCapAmb:\t0+\nNoNewPrivs:\t1")
        open_to_others = there.check("find /var/run/minewall-fleet -perm /077")
        self.assertEqual(open_to_others, "", "others may read the password")
        there.check("/etc/init.d/minewall-fleet stop")
        self.assertFalse((there.root / "var/run/minewall-fleet").exists())


class WithoutJail(OnRouter):
    has_ujail = False

    def test_the_daemon_runs_as_it_is(self):
        self.install()
        self.assertEqual(self.ask("status")["state"], "protecting")
        self.assertNotIn("ujail", self.router.read("var/run/procd/minewall/daemon"))


if __name__ == "__main__":
    unittest.main()
