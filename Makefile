# Commands for people who work on minewall.

CARGO ?= cargo
RELEASE = target/release

.PHONY: all build demo test check bench install-tools cross test-targets test-routers reproduce packages test-packages model test-luci test-openwrt

all: build

build:
	$(CARGO) build --release --locked

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

# Throughput and new connections through the router with and without minewall, in one run. Needs root.
bench: install-tools
	$(CARGO) build --release --locked --bin minewall --example lab --example intel
	tests/bench.sh $(RELEASE)/minewall $(RELEASE)/examples/lab
	$(RELEASE)/examples/intel
	tests/lab/reload.sh $(RELEASE)/minewall $(RELEASE)/examples/lab
	tests/probe/storm.sh $(RELEASE)/minewall $(RELEASE)/examples/lab

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

# Routers in full-system emulation (mipsel, armv7, aarch64, x86-64), with miners behind them. Needs root for apt.
test-routers:
	cross/router/run.sh

# A second build elsewhere must give the same bytes.
reproduce:
	cross/reproduce.sh

# Packages and feeds for opkg and apk, in target/packages/; see openwrt/README.md.
packages: cross
	openwrt/install-tools.sh
	openwrt/pack.py

# Unpacks and checks every package, then installs, upgrades and removes one in a router's root. Needs root.
test-packages: packages
	openwrt/apk3.sh
	cd openwrt && python3 -m unittest

# The package's scripts, the guide, the ubus object and a miner on a model of a router; two tests at a time, since most of it is waiting. Needs root.
test-openwrt: install-tools
	$(CARGO) build --locked --bin minewall
	cd openwrt && echo service guide ubus notices house | tr ' ' '\n' | xargs -P 2 -I % python3 -m unittest test_%

# LuCI's pages in a headless Chromium, on canned answers and on a house with a miner. Root for the house and apt.
test-luci: install-tools
	openwrt/luci-app-minewall/tests/install-tools.sh
	$(CARGO) build --locked --bin minewall --example lab
	cd openwrt/luci-app-minewall/tests && python3 -m unittest
