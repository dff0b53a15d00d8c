#!/bin/sh
# Real software of miners' and wallets' servers, from the registries, is asked by `minewall probe`.
# usage: real.sh MINEWALL DIRECTORY. What is missing in DIRECTORY is installed there, daemons of Debian's by
# apt (needs root). Everything runs in a network namespace without a way out: some of it calls its makers.
# Fails where an answer is not the expected one.
set -u
[ "${3:-}" = inside ] || {
	minewall=$(realpath "$1")
	mkdir -p "$2"
	dir=$(realpath "$2")
	here=$(dirname "$0")
	missing=""
	for package in litecoind monero; do
		dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
	done
	command -v npm >/dev/null || missing="$missing npm"
	[ -e /usr/lib/python3.11/ensurepip ] || missing="$missing python3-venv"
	# One of the packages is compiled.
	[ -e /usr/include/python3.11/Python.h ] || missing="$missing python3-dev"
	# shellcheck disable=SC2086 # a list
	"$here/../install-packages.sh" $missing || exit 1
	try="$here/../../cross/try"
	if [ ! -x "$dir/venv/bin/electrumx_server" ]; then
		/usr/bin/python3 -m venv "$dir/venv" &&
			"$try" "$dir/venv/bin/pip" install -q 'Dash-ElectrumX==1.16.0.1' 'bit-byte-block==0.1.1' 'PyYAML==6.0.3' 'setuptools<81' &&
			"$try" "$dir/venv/bin/pip" install -q --no-deps 'aiostratum-proxy==1.1' aiojsonrpc2 || exit 1
	fi
	[ -d "$dir/node_modules/coin-hive-stratum" ] ||
		"$try" npm install --silent --no-audit --no-fund --prefix "$dir" coin-hive-stratum@1.4.10 >/dev/null || exit 1
	exec unshare -n "$0" "$minewall" "$dir" inside
}

minewall=$1
dir=$2
here=$(dirname "$0")
pids=""
clean_up() {
	# shellcheck disable=SC2086 # a list of process ids
	kill $pids 2>/dev/null
	wait
	rm -rf "$dir/data"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
ip link set lo up
rm -rf "$dir/data"
mkdir -p "$dir/data/litecoin" "$dir/data/monero" "$dir/data/electrumx" "$dir/log"
openssl req -x509 -nodes -newkey rsa:2048 -days 2 -subj /CN=localhost \
	-keyout "$dir/data/key.pem" -out "$dir/data/cert.pem" 2>/dev/null

# start NAME COMMAND...
start() {
	name=$1
	shift
	"$@" >"$dir/log/$name" 2>&1 &
	pids="$! $pids"
}
# listening PORT NAME
listening() {
	hex=$(printf '%04X' "$1")
	tries=0
	until grep -qE ":$hex [0-9A-F:]+ 0A " /proc/net/tcp /proc/net/tcp6; do
		tries=$((tries + 1))
		[ $tries -le 600 ] || {
			echo "$2 does not listen on $1" >&2
			tail -5 "$dir/log/$2" >&2
			return 1
		}
		sleep 0.1
	done
}
wrong=0
# ask EXPECTED NAME PORT [OPTION...]
ask() {
	expected=$1
	name=$2
	port=$3
	shift 3
	out=$("$minewall" probe --json "$@" "127.0.0.1:$port")
	printf '%-52s %s\n' "$name" "$out"
	case $out in
	*"\"outcome\":\"$expected\""*) ;;
	*)
		echo "    expected: $expected" >&2
		wrong=$((wrong + 1))
		;;
	esac
}
rpc() {
	litecoin-cli -regtest "-datadir=$dir/data/litecoin" -rpcuser=u -rpcpassword=p -rpcport=18443 "$@"
}

start litecoind litecoind -regtest "-datadir=$dir/data/litecoin" -rpcuser=u -rpcpassword=p -rpcport=18443 \
	-port=18444 -bind=127.0.0.1 -printtoconsole
start monerod monerod --offline --non-interactive --data-dir "$dir/data/monero" --rpc-bind-port 18081 \
	--p2p-bind-port 18080 --zmq-rpc-bind-port 18082
start upstream python3 "$here/upstream.py"
listening 18443 litecoind && listening 18081 monerod && listening 3333 upstream || exit 1
until rpc getblockcount >/dev/null 2>&1; do sleep 0.1; done
rpc createwallet w >/dev/null
rpc generatetoaddress 3 "$(rpc getnewaddress)" >/dev/null
COIN=Litecoin NET=regtest DAEMON_URL=http://u:p@127.0.0.1:18443/ DB_DIRECTORY=$dir/data/electrumx \
	SERVICES=tcp://127.0.0.1:50001,ssl://127.0.0.1:50002 SSL_CERTFILE=$dir/data/cert.pem \
	SSL_KEYFILE=$dir/data/key.pem ALLOW_ROOT=1 PEER_DISCOVERY=off \
	start electrumx "$dir/venv/bin/electrumx_server"
start coin-hive-stratum node "$dir/node_modules/coin-hive-stratum/bin/coin-hive-stratum" 8892 --host=127.0.0.1 --port=3333
start bit-byte-block env BIT_BYTE_BLOCK_BACKUP_HOST= "$dir/venv/bin/bit-byte-block" proxy \
	--bind-host 127.0.0.1 --bind-port 3334 --upstream-host 127.0.0.1 --upstream-port 3333
cat >"$dir/data/proxy.yaml" <<-EOF
	proxies:
	- worker_class: aiostratum_proxy.protocols.equihash.EquihashWorkerProtocol
	  pool_class: aiostratum_proxy.protocols.equihash.EquihashPoolProtocol
	  listen: [{host: 127.0.0.1, port: 10666}]
	  pools: [{name: upstream, host: 127.0.0.1, port: 3333, account_name: void.rig1, account_password: x}]
EOF
# It was written for a PyYAML whose load() took one argument.
start aiostratum-proxy "$dir/venv/bin/python" -c "
import asyncio, yaml
load = yaml.load
yaml.load = lambda text, Loader=yaml.SafeLoader: load(text, Loader)
from aiostratum_proxy.application import Application
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
loop.run_until_complete(Application('$dir/data/proxy.yaml').startup())
loop.run_forever()"
listening 50002 electrumx
listening 8892 coin-hive-stratum
listening 3334 bit-byte-block
listening 10666 aiostratum-proxy

ask not_pool "ElectrumX 1.16 (Litecoin regtest)" 50001
ask not_pool "ElectrumX 1.16, TLS" 50002 --tls
ask not_pool "ElectrumX 1.16, TLS to be found" 50002
ask not_pool "litecoind, JSON-RPC" 18443
ask inconclusive "litecoind, peer to peer" 18444 --plain
ask not_pool "monerod, RPC" 18081
ask inconclusive "monerod, ZeroMQ RPC" 18082 --plain
ask pool "coin-hive-stratum 1.4.10 (CoinHive's protocol)" 8892
ask pool "aiostratum-proxy 1.1 (Equihash)" 10666
ask pool "bit-byte-block 0.1.1 (transparent)" 3334
[ "$wrong" = 0 ]
