# Commands for people who work on minewall.

CARGO ?= cargo
RELEASE = target/release

.PHONY: all build deb demo test check fuzz mutants coverage deny bench soak install-tools cross test-targets test-routers reproduce packages test-packages model test-luci test-openwrt

all: build

build:
	$(CARGO) build --release --locked

# Debian's package for machines like this one, in target/packages/.
deb:
	@tests/install-tools.sh deb
	CARGO_PROFILE_RELEASE_STRIP=true $(CARGO) build --release --locked
	openwrt/pack.py --debian $(RELEASE)/minewall

# A miner at home meets minewall on the router, in network namespaces. Needs root.
demo:
	@tests/install-tools.sh demo
	$(CARGO) build --locked --profile demo --no-default-features --bin minewall --example lab
	@tests/demo.sh target/demo/minewall target/demo/examples/lab

# Everything that must hold before a change is good, part by part to the end. Needs root for the live tests.
test: install-tools
	@tests/suite.py full

# The quick form, for every commit: lints, unit tests and the integration tests that need no waiting.
check: install-tools
	@tests/suite.py quick

# Fuzz targets under libFuzzer, which coverage steers: SECONDS each, TARGETS or all. See tests/fuzz/README.md.
SECONDS ?= 60
fuzz:
	@tests/fuzz/fuzz.sh $(SECONDS) $(TARGETS)

# Mutants that no test notices: of FILES, or of the files of tests/mutants.txt. Hours for all of them.
mutants:
	@tests/mutants.sh $(FILES)

# Lines and functions of the packet's way that unit tests and dialogues run, by layer.
coverage:
	@tests/coverage.sh

# Licences, sources and versions of all dependencies, against deny.toml.
deny:
	@tests/deny.sh

# What minewall costs, as ratios of one run: against no rules and against a queue that does nothing. Needs root.
# Beside nDPI on CAPTURES, or on the traces of the repository. Results: tests/BENCHMARKS.md.
bench: install-tools
	$(CARGO) build --release --locked --bin minewall --example lab --example noop --example intel --example growth
	tests/bench.sh $(RELEASE)/minewall $(RELEASE)/examples/lab $(RELEASE)/examples/noop
	$(RELEASE)/examples/growth
	$(RELEASE)/examples/intel
	tests/lab/peers.sh $(RELEASE)/minewall $(CAPTURES)
	tests/lab/reload.sh $(RELEASE)/minewall $(RELEASE)/examples/lab
	tests/probe/storm.sh $(RELEASE)/minewall $(RELEASE)/examples/lab

# Ten million packets through the real queue: memory stays level, and every packet has one verdict. Needs root.
soak: install-tools
	$(CARGO) build --release --locked --bin minewall --example lab
	tests/lab/soak.sh $(RELEASE)/minewall $(RELEASE)/examples/lab

# The default model of stage one again, from the sequences in the repository and scripted ones.
model:
	$(CARGO) run --release --locked -- train --mining src/hmm/training/captures.seq src/hmm/training/daemons.seq \
		--benign src/hmm/training/captures.seq src/hmm/training/daemons.seq --output src/hmm/default.model

install-tools:
	@tests/install-tools.sh

# Programs for routers, in target/cross/; see cross/README.md.
cross:
	cross/build.sh

# The tests under user-mode emulation: MIPS both ways, armv7, aarch64.
test-targets:
	cross/test.sh
	cross/instructions.sh

# Routers in full-system emulation (mipsel, armv7, aarch64, x86-64), with miners behind them. Needs root for apt.
test-routers:
	cross/router/run.sh

# A second build elsewhere must give the same bytes.
reproduce:
	cross/reproduce.sh

# Packages and signed feeds for opkg and apk, and Debian's packages, in target/packages/, a folder that any web server
# can serve; its INSTALL.txt says how. Keys are those in MINEWALL_KEYS, or are made in target/keys. See openwrt/README.md.
packages: cross
	openwrt/install-tools.sh
	[ -n "$(MINEWALL_KEYS)" ] || [ -e target/keys/minewall.sec ] || openwrt/make-keys.sh target/keys
	openwrt/pack.py --keys "$${MINEWALL_KEYS:-target/keys}"

# Unpacks and checks every package, then installs, upgrades and removes one in a router's root. Needs root.
test-packages: packages
	openwrt/apk3.sh
	cd openwrt && python3 -m unittest

# The package's scripts, the guide, the ubus object and a miner on a model of a router; two tests at a time, since most of it is waiting. Needs root.
test-openwrt: install-tools
	$(CARGO) build --locked --bin minewall
	cd openwrt && echo service guide ubus selftest notices notifiers deeds house debian release | tr ' ' '\n' | xargs -P 2 -I % python3 -m unittest test_%

# LuCI's pages in a headless Chromium, on canned answers and on a house with a miner. Root for the house and apt.
test-luci: install-tools
	openwrt/luci-app-minewall/tests/install-tools.sh
	$(CARGO) build --locked --bin minewall --example lab
	cd openwrt/luci-app-minewall/tests && python3 -m unittest
