#!/usr/bin/env python3
"""The tests, as parts that go on after a failure: `make check` (quick) and `make test` (all of them).

usage: suite.py quick|full [PART...]

Prints a line for each part as it ends, the output of those that fail, and at last a list with times and the line
`N passed, N failed`. Two lanes run beside each other: in one is what builds in target/, in the other what builds
elsewhere or mostly waits. The whole output of each part is in target/suite/PART.log.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "target/suite"
DEBUG = "target/debug"
# Of a failed part's output: so many lines, the last.
SHOWN_LINES = 200
# A part that takes longer hangs: it is ended and has failed.
LIMIT_SECONDS = 35 * 60

SHELL_SCRIPTS = """bootstrap.sh .ci/run cross/*.sh cross/cc cross/ar cross/try cross/router/* tests/*.sh tests/fuzz/*.sh tests/lab/*.sh
    tests/feeds/*.sh tests/probe/*.sh tests/rules/*.sh openwrt/luci-app-minewall/tests/*.sh openwrt/*.sh openwrt/debian/rules
    openwrt/minewall/*.sh openwrt/minewall/files/firewall.include openwrt/minewall/files/minewall.defaults
    openwrt/minewall/files/minewall.init openwrt/minewall/files/selftest openwrt/minewall/files/suspension openwrt/minewall/files/minewall.rpcd openwrt/minewall/files/minewall.validate
    openwrt/minewall/files/minewall-update-lists openwrt/minewall/files/hooks/* openwrt/minewall/files/notifiers/* openwrt/minewall/files/fleet/*
    openwrt/model/root/*/*.sh openwrt/model/root/*bin/* openwrt/model/root/model/* openwrt/model/root/etc/rc.common
    openwrt/model/root/etc/init.d/*"""
CLIPPY = "cargo clippy --locked"
DOC = "RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --lib --document-private-items"
# Targets that make an engine for each input spend two thirds of their time on its pages if freed memory goes back.
FUZZ_MEMORY = "MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=4000000000"
FUZZ = "--profile demo --no-default-features --features host --example fuzz -- --runs 100000"
# Live tests that are cheap, which run on two queues, too.
ON_TWO_QUEUES = "attacks::identity attacks::outsiders attacks::owner attacks::words known lists memory mining queues run selection"
# A probe's or the kernel's patience is most of what these take.
WAITING = ("live", "probe")


@dataclass
class Part:
    """A command that passes or fails. It begins when the parts in `after` have passed, in its lane's order."""

    name: str
    command: str
    lane: int = 0
    after: tuple = ()


def integration_tests():
    """Names of cargo's integration tests: files and folders of tests/."""
    files = [path.stem for path in (ROOT / "tests").glob("*.rs")]
    folders = [path.parent.name for path in (ROOT / "tests").glob("*/main.rs")]
    return sorted({*files, *folders})


def options(names):
    return " ".join(f"--test {name}" for name in names)


def quick():
    rest = [name for name in integration_tests() if name not in WAITING]
    return [
        Part("format", "cargo fmt --check"),
        Part("scripts", f"shellcheck -x {' '.join(SHELL_SCRIPTS.split())}", lane=1),
        Part("lints", f"{CLIPPY} --all-targets -- -D warnings"),
        Part("lints of a router's build", f"{CLIPPY} --no-default-features -- -D warnings"),
        Part("lints of a router's build, TLS", f"{CLIPPY} --no-default-features --features tls -- -D warnings"),
        Part("documentation", DOC),
        Part("unit tests", "cargo test --locked --no-fail-fast --lib"),
        Part("integration tests", f"cargo test --locked --no-fail-fast {options(rest)}"),
    ]


def full():
    built = ("build",)
    return [
        *quick()[:6],
        Part("build", "cargo build --locked --all-targets"),
        Part("unit tests", "cargo test --locked --no-fail-fast --lib"),
        Part("examples in the documentation", "cargo test --locked --doc"),
        *(Part(f"tests of {name}", f"cargo test --locked --no-fail-fast --test {name}") for name in integration_tests()),
        Part("live tests on two queues", f"MINEWALL_LIVE_QUEUES=2 cargo test --locked --no-fail-fast --test live -- {ON_TWO_QUEUES}"),
        Part("fuzzing", f"{FUZZ_MEMORY} cargo run --locked {FUZZ}"),
        Part("demonstration", f"tests/demo.sh {DEBUG}/minewall {DEBUG}/examples/lab", after=built),
        Part("real daemons", f"tests/probe/daemons.sh {DEBUG}/minewall", after=built),
        Part("emulated tests", "cross/test.sh --quick", lane=1),
        Part("emulated router", "cross/router/run.sh --quick armv7", lane=1),
        Part("real pools and nodes", f"tests/probe/real.sh {DEBUG}/minewall target/real", lane=1, after=built),
        Part("OpenWrt's service", "make -s test-openwrt", lane=1, after=built),
        Part("LuCI", "make -s test-luci", lane=1, after=built),
    ]


class Suite:
    """Runs parts, tells of them, and knows at the end what became of each."""

    def __init__(self, parts):
        self.parts = parts
        self.ended = {part.name: threading.Event() for part in parts}
        self.results = {}  # name to (passed, seconds, what else there is to say)
        self.running = {}
        self.lock = threading.Lock()

    def run(self):
        """Whether all passed."""
        lanes = [threading.Thread(target=self.run_lane, args=(lane,)) for lane in sorted({part.lane for part in self.parts})]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        return all(passed for passed, _, _ in self.results.values())

    def run_lane(self, lane):
        for part in (part for part in self.parts if part.lane == lane):
            self.results[part.name] = self.attempt(part)
            self.ended[part.name].set()
            self.tell(part)

    def attempt(self, part):
        for name in part.after:
            if name in self.ended:
                self.ended[name].wait()
                if not self.results[name][0]:
                    return False, 0, f"not run, since '{name}' failed"
        start = time.monotonic()
        with self.log(part).open("wb") as log:
            process = subprocess.Popen(["bash", "-c", part.command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT, start_new_session=True)
            with self.lock:
                self.running[part.name] = process
            try:
                status = process.wait(LIMIT_SECONDS)
                why = "" if status == 0 else f"exit status {status}"
            except subprocess.TimeoutExpired:
                end(process)
                why = f"ended after {LIMIT_SECONDS} s"
            with self.lock:
                del self.running[part.name]
        return not why, time.monotonic() - start, why

    def log(self, part):
        return LOGS / f"{part.name.replace(' ', '-')}.log"

    def tell(self, part):
        passed, seconds, why = self.results[part.name]
        with self.lock:
            print(f"{'ok    ' if passed else 'FAILED'} {seconds:6.0f} s  {part.name}  {why}".rstrip(), flush=True)
            if not passed and self.log(part).exists():
                self.show(self.log(part))

    def show(self, log):
        """The end of a failed part's output, and each line before it that tells of a failure."""
        lines = log.read_text(errors="replace").splitlines()
        failures = [line for line in lines[:-SHOWN_LINES] if "panicked at" in line or "FAIL" in line]
        for line in [*failures, *lines[-SHOWN_LINES:]]:
            print(f"    {line}")
        sys.stdout.flush()

    def end_all(self):
        for process in list(self.running.values()):
            end(process)

    def summary(self, seconds):
        failed = [part.name for part in self.parts if not self.results[part.name][0]]
        print("\nseconds  part")
        for part in self.parts:
            passed, took, why = self.results[part.name]
            print(f"{took:7.0f}  {part.name}{'' if passed else f': FAILED, {why}'}")
        print(f"{seconds:7.0f}  in all\n")
        if failed:
            print(f"failed: {', '.join(failed)} (target/suite/ has the whole output)")
        print(f"{len(self.parts) - len(failed)} passed, {len(failed)} failed")


def end(process):
    """Ends a part and what it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def main():
    forms = {"quick": quick, "full": full}
    if len(sys.argv) < 2 or sys.argv[1] not in forms:
        sys.exit(__doc__)
    wanted = sys.argv[2:]
    parts = [part for part in forms[sys.argv[1]]() if not wanted or part.name in wanted]
    if unknown := set(wanted) - {part.name for part in parts}:
        sys.exit(f"no part {', '.join(sorted(unknown))}")
    LOGS.mkdir(parents=True, exist_ok=True)
    suite = Suite(parts)

    def interrupted(*_):
        suite.end_all()
        os._exit(130)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    start = time.monotonic()
    passed = suite.run()
    suite.summary(time.monotonic() - start)
    sys.exit(not passed)


if __name__ == "__main__":
    main()
