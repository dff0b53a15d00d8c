"""A folder that is a router's root, for tests: busybox with the conventions of OpenWrt, modelled as thinly as
they can be (openwrt/model/root), in namespaces of its own. The programs of the package are the real ones, and
so are the kernel's queue and nft, except that nft's queue statement is a counter: not every kernel that tests
run on has it.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PATIENCE_SECONDS = 60
TOOLS = ("busybox", "nft", "nice", "setpriv", "unshare")

# A shell can't trap a signal that was ignored when it began, as under nohup, and services are told to reload by one.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def queues(first=1330):
    """The queues of a daemon by default: as the rules have them, and as the kernel's list of what is bound."""
    numbers = range(first, first + min(os.cpu_count(), 4))
    return "-".join(str(number) for number in sorted({numbers[0], numbers[-1]})), "".join(f"{number} " for number in numbers)


def missing():
    """What the router needs and this machine doesn't have; an empty text if all is there."""
    tools = [tool for tool in (*TOOLS, "nsenter") if not shutil.which(tool)]
    if tools:
        return f"missing: {' '.join(tools)}"
    made = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], stderr=subprocess.DEVNULL)
    return "" if made.returncode == 0 else "namespaces can't be made"


# Of Debian's busybox; OpenWrt's has none of them by default (package/utils/busybox/Config-defaults.in). Those that
# other packages of each router bring are in model/root.
ABSENT_APPLETS = set("""ar arp arping ascii base64 bc blkid blockdev bunzip2 bzcat bzip2 cal cpio crc32 dc diff
    dnsdomainname dos2unix expand factor fallocate fold freeramdisk fsfreeze getopt groups hostid hostname httpd ionice
    ipcalc last link logname lzcat lzma lzop makemime microcom more nl nologin nproc nsenter od paste patch realpath
    renice resume rev rpm run-parts setpriv sha1sum sha3sum sha512sum shred shuf ssl_client stat stty syslogd tac telnet
    tftp timeout ts tty unexpand unix2dos unlink unxz unzip usleep uudecode uuencode w watch who whoami xxd xz
    xzcat""".split())


class Router:
    def __init__(self, has_ujail=True):
        self.root = Path(tempfile.mkdtemp(prefix="minewall-router-"))
        for folder in ("bin", "sbin", "dev", "proc", "tmp", "etc/config", "etc/rc.d", "etc/init.d", "var/run/procd",
                       "var/log", "usr/lib/opkg/info", "usr/sbin", "lib/apk/packages", "etc/opkg", "etc/apk/keys",
                       "etc/apk/repositories.d"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        for tool in TOOLS:
            self.copy_program(Path(shutil.which(tool)), "usr/sbin" if tool == "nft" else "bin")
        applets = subprocess.run(["busybox", "--list"], stdout=subprocess.PIPE, check=True, text=True).stdout
        for applet in applets.split():
            if applet not in ABSENT_APPLETS and not (self.root / "bin" / applet).exists():
                (self.root / "bin" / applet).symlink_to("busybox")
        shutil.copytree(HERE / "model/root", self.root, dirs_exist_ok=True,
                        copy_function=lambda source, at: (Path(at).unlink(missing_ok=True), shutil.copy(source, at)))
        if not has_ujail:
            (self.root / "sbin/ujail").unlink()
        self.write("tmp/resolv.conf", "nameserver 127.0.0.1\n")
        self.write("etc/opkg/customfeeds.conf", "")
        self.write("etc/config/firewall", "config defaults\n\toption input 'REJECT'\n")
        # Holds the namespaces until the router is switched off; a shell, since it buries the dead.
        setup = (f"mount --bind {self.root} {self.root} && cd {self.root} && mount -t proc proc proc && "
                 "mount -t tmpfs none dev && cp -a /dev/null /dev/urandom /dev/zero dev && ip link set lo up && "
                 "echo up && while :; do sleep 0.1; done")
        self.holder = subprocess.Popen(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", setup],
                                       stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "up\n"
        children = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children")
        self.init = children.read_text().split()[0]
        self.log = SystemLog(self.init, self.root)
        # At the end of the boot, as /etc/init.d/done does.
        self.check("reload_config")

    def copy_program(self, program, folder="bin"):
        """With the libraries that it is linked with."""
        try:
            os.link(program, self.root / folder / program.name)
        except OSError:
            shutil.copy(program, self.root / folder)
        libraries = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        for word in libraries.split():
            if word.startswith("/"):
                at = self.root / word[1:]
                at.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(word, at)

    def call(self, command, given="", **variables):
        """What a shell's command in the root says, as subprocess has it."""
        enter = ["nsenter", "-t", self.init, "--net", "--mount", "--pid", "chroot", str(self.root)]
        environment = {"PATH": "/model:/usr/sbin:/usr/bin:/sbin:/bin", **variables}
        # To a file: what the command leaves running must not keep us from seeing its end.
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run([*enter, "/bin/sh", "-c", command], env=environment, input=given, text=True,
                                  stdout=said, stderr=subprocess.STDOUT, timeout=PATIENCE_SECONDS)
            said.seek(0)
            done.stdout = said.read()
        return done

    def run(self, command, **variables):
        """Exit status of a shell's command in the root."""
        return self.call(command, **variables).returncode

    def check(self, command, **variables):
        """What it says; it must succeed."""
        done = self.call(command, **variables)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def read(self, path):
        file = self.root / path
        return file.read_text() if file.exists() else ""

    def write(self, path, text, mode=0o644):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        (self.root / path).chmod(mode)

    def edit(self, old, new):
        """Changes the service's configuration as an editor does: by another file of the same name."""
        text = self.read("etc/config/minewall")
        assert old in text, f"{old} is not in the configuration"
        self.write("etc/config/minewall.edited", text.replace(old, new), 0o600)
        (self.root / "etc/config/minewall.edited").rename(self.root / "etc/config/minewall")

    def pid(self, instance="daemon"):
        """Of what procd started: the daemon, or its jail. Empty if there is none."""
        return self.read(f"var/run/procd/minewall/{instance}.pid").strip()

    def alive(self, pid):
        return bool(pid) and self.run(f"kill -0 {pid} 2>/dev/null") == 0

    def wait_until_gone(self, pid):
        """Whoever has heard of the end of a service may still see its process, for a moment."""
        self.wait_for(lambda: not self.alive(pid), f"process {pid} does not end")

    def tables(self):
        return self.check("/usr/sbin/nft list tables").split("table ")[1:]

    def table(self):
        """The service's rules as the kernel has them, but for the time that passes; empty if there are none."""
        done = self.call("/usr/sbin/nft list table inet minewall 2>/dev/null")
        return re.sub(r" expires \w+", "", done.stdout) if done.returncode == 0 else ""

    def wait_for(self, condition, what="waited in vain"):
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, f"{what}\n{self.read('var/log/stderr')}{self.read('var/log/messages')}"
            time.sleep(0.05)

    def off(self):
        self.log.close()
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        # Its first process ends after all others, and until then they may still be writing.
        end = time.monotonic() + PATIENCE_SECONDS
        while is_running(self.init):
            assert time.monotonic() < end, "the router can't be switched off"
            time.sleep(0.01)
        shutil.rmtree(self.root)


def is_running(pid):
    """Whether it is there and no zombie, which waits for its parent only."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


class SystemLog:
    """Listens at /dev/log and reads as OpenWrt's logd does (ubox, log/syslog.c); lines go to /var/log/messages as
    `<PRIORITY>TEXT`. Of a message whose 16th byte behind the priority is a blank the first 16 are dropped: logd takes
    them for a time stamp. A restart makes another socket of the same name, and the old one is dead."""

    STAMP_BYTES = 16

    def __init__(self, init, root):
        self.file = root / "var/log/messages"
        # In the router's /dev, which is a mount of its own.
        self.at = Path(f"/proc/{init}/root{root}/dev/log")
        self.settled = threading.Event()
        self.start()

    def start(self):
        self.at.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.at))
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        while (line := self.socket.recv(4096)) != b"end":
            if line == b"settle":
                self.settled.set()
                continue
            priority, _, text = line.partition(b">")
            if text[self.STAMP_BYTES - 1:self.STAMP_BYTES] == b" ":
                text = text[self.STAMP_BYTES:]
            with self.file.open("ab") as file:
                file.write(priority + b">" + text.strip() + b"\n")

    def restart(self):
        self.stop()
        self.start()

    def settle(self):
        """Until all that was sent so far is in the file."""
        self.settled.clear()
        self.send(b"settle")
        self.settled.wait(PATIENCE_SECONDS)

    def send(self, message):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(message, str(self.at))

    def stop(self):
        self.send(b"end")
        self.thread.join()
        self.socket.close()

    def close(self):
        self.stop()
