# Commands for people who work on minewall. Packages for routers are built in cross/ and openwrt/.

CARGO ?= cargo
RELEASE = target/release

.PHONY: all build demo test check bench install-tools

all: build

build:
	$(CARGO) build --release --locked

# A miner at home meets minewall on the router, in network namespaces. Needs root.
demo: install-tools
	$(CARGO) build --release --locked --bin minewall --example lab
	tests/demo.sh $(RELEASE)/minewall $(RELEASE)/examples/lab

# Everything that must hold before a change is good. Needs root for the live tests.
test: install-tools check
	$(CARGO) test --locked
	$(CARGO) build --locked --no-default-features
	$(CARGO) build --locked --no-default-features --features tls
	$(CARGO) build --release --locked --bin minewall --example lab
	tests/demo.sh $(RELEASE)/minewall $(RELEASE)/examples/lab
	tests/probe/daemons.sh $(RELEASE)/minewall

check:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --no-default-features -- -D warnings
	$(CARGO) clippy --locked --no-default-features --features tls -- -D warnings

# Throughput and new connections through the router with and without minewall, in one run. Needs root.
bench: install-tools
	$(CARGO) build --release --locked --bin minewall --example lab
	tests/bench.sh $(RELEASE)/minewall $(RELEASE)/examples/lab

install-tools:
	tests/install-tools.sh
