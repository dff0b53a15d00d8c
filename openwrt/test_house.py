"""A miner on the router's network: what the service, its jailed daemon, the hooks and the ubus object make of it.

Packets come to the queue by the iptables variant of the rules, loaded beside the service's own, since not every
kernel that tests run on has nft's queue statement.
"""

import subprocess
import unittest

from test_service import OnRouter, program

POOL = "203.0.113.9"
# Listens, says what it hears, and hangs up.
SERVER = f"""
import socket
listener = socket.create_server(("{POOL}", 3333))
print("listening", flush=True)
while True:
    try:
        print(listener.accept()[0].recv(4096) and "heard", flush=True)
    except ConnectionResetError:
        print("reset", flush=True)
"""
MINER = f"""
import socket
try:
    miner = socket.create_connection(("{POOL}", 3333), timeout=30)
    miner.sendall(b'{{"id":1,"jsonrpc":"2.0","method":"login","params":{{"login":"44AFFq5kSiGBoZ4NMDwYtN18obc8Aem'
                  b'S33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A","pass":"x","agent":'
                  b'"XMRig/6.21.0 (Linux x86_64) libuv/1.44.2 gcc/11.2.1","algo":["rx/0"]}}}}\\n')
    print(miner.recv(1) or "closed")
except ConnectionResetError:
    print("reset")
"""

# Tells what it may do, too.
COLLECTOR = """
import socket
collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
collector.bind(("127.0.0.1", 514))
print("listening", flush=True)
while True:
    print(collector.recv(4096).decode(), flush=True)
"""

HOOK = """#!/bin/sh
cd /var/run/minewall-notifiers || exit 1
umask 077
echo "$MINEWALL_SERVER $MINEWALL_VERDICT" >>hook
touch /etc/owned
touch /usr/owned
touch /var/run/minewall/owned
cat /proc/self/status >status
"""


class House(OnRouter):
    def inside(self, process, *command, **options):
        return subprocess.Popen(["nsenter", "-t", str(process), "--net", *command], text=True, **options)

    def said(self, process, *command, given=None):
        """What a command of this machine says in a network of ours."""
        done = self.inside(process, *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        text, _ = done.communicate(given, timeout=60)
        self.assertEqual(done.returncode, 0, command)
        return text

    def lay_network(self):
        """The internet, with a pool on it."""
        internet = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo up; cat"], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True)
        self.addCleanup(internet.communicate)
        self.assertEqual(internet.stdout.readline(), "up\n")
        there = self.router.init
        self.said(there, "ip", "link", "add", "wan", "type", "veth", "peer", "name", "wan", "netns", str(internet.pid))
        for process, address in ((there, "203.0.113.1"), (internet.pid, POOL)):
            self.said(process, "ip", "address", "add", f"{address}/24", "dev", "wan")
            self.said(process, "ip", "link", "set", "wan", "up")
        self.pool = self.inside(internet.pid, "python3", "-c", SERVER, stdout=subprocess.PIPE)
        self.addCleanup(lambda: (self.pool.kill(), self.pool.communicate()))
        self.assertEqual(self.pool.stdout.readline(), "listening\n")

    def feed(self):
        config = str(self.router.root / "var/run/minewall/config")
        made = subprocess.run([program(), "rules", "--variant", "iptables", "--config", config],
                              stdout=subprocess.PIPE, text=True, check=True)
        self.said(self.router.init, "sh", given=made.stdout)

    def mine(self):
        return self.said(self.router.init, "python3", "-c", MINER).strip()

    def test_a_miner_is_cut_off_told_of_allowed_and_let_mine(self):
        there = self.router
        self.install()
        there.write("etc/minewall/hooks.d/mine", HOOK, 0o755)
        # What is learnt would hide what is read, and the first event may come before the hook's listener.
        there.edit("#option learn_hours '168'", "option learn_hours '0'\n\toption collector 'udp://127.0.0.1:514'")
        collector = self.inside(there.init, "python3", "-c", COLLECTOR, stdout=subprocess.PIPE)
        self.addCleanup(lambda: (collector.kill(), collector.communicate()))
        self.assertEqual(collector.stdout.readline(), "listening\n")
        there.check("/etc/init.d/minewall reload")
        self.lay_network()
        self.feed()
        self.assertEqual((self.mine(), self.pool.stdout.readline()), ("reset", "reset\n"))
        there.wait_for(lambda: self.mine() == "reset" and there.read("var/run/minewall-notifiers/hook"))
        self.assertIn(f"{POOL}:3333 blocked\n", there.read("var/run/minewall-notifiers/hook"))
        self.assertRegex(self.log(), rf"(?m)^<28>minewall: blocked: .*203\.0\.113\.1.* {POOL}:3333")
        # Out of the jail, too.
        self.assertRegex(collector.stdout.readline(), r'^<28>1 .* minewall - event - {"@timestamp".*"action":"blocked".*}}$')
        host = self.ask("hosts")["hosts"][0]
        self.assertEqual((host["client"], host["server"], host["verdict"], host["server_allowed"]),
                         ("203.0.113.1", f"{POOL}:3333", "blocked", False))
        self.assertIn("XMRig/6.21.0", self.ask("events", {"last": 1})["events"][0]["agent"])
        self.assertRegex(there.check("minewall status --prometheus"), r"(?m)^minewall_detections_total [1-9]")

        # A hook has a jail of its own and no capability; it changes nothing but its own folder.
        self.assertRegex(there.read("var/run/minewall-notifiers/status"), r"CapEff:\t0+\n(?s:.*)CapBnd:\t0+\nCapAmb:\t0+\nNoNewPrivs:\t1")
        self.assertEqual(list(there.root.rglob("owned")), [])
        # Others may read nothing that holds a wallet or a MAC; the log has rights of its own.
        readable = "find /etc /usr /var /tmp -xdev -type f -perm -004 ! -path /var/log/messages"
        self.assertEqual(there.call(f"{readable} -exec grep -l -i -e 44AFFq5kSi -e 203.0.113.1\\b {{}} +").stdout, "")

        self.assertTrue(self.ask("allow", {"endpoint": f"{POOL}:3333"})["ok"])
        self.feed()
        there.wait_for(lambda: self.mine() == "closed")
        self.assertTrue(self.ask("hosts")["hosts"][0]["server_allowed"])


del OnRouter

if __name__ == "__main__":
    unittest.main()
