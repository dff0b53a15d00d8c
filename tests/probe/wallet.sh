#!/bin/sh
# A real wallet (Electrum, of Debian's) talks in TLS to a real server (ElectrumX) through a router with
# minewall at its most suspicious: it may be suspected, and must never be cut off.
# usage: wallet.sh MINEWALL DIRECTORY [SECONDS [SESSIONS]]. DIRECTORY is one that real.sh has filled. A session of
# so many seconds in which the wallet is used comes first, then so many short ones. Needs root.
set -u
minewall=$1
dir=$(realpath "$2")
seconds=${3:-120}
sessions=${4:-30}
here=$(dirname "$0")
# shellcheck source=tests/lab/net.sh
. "$here/../lab/net.sh"
dpkg -s electrum >/dev/null 2>&1 || apt-get install -q -y --no-install-recommends electrum >/dev/null || exit 1

lay_network
server=203.0.113.8
ip -n "$internet" addr add $server/32 dev eth0
ip -n "$router" route add $server/32 via 10.9.2.2
openssl req -x509 -nodes -newkey rsa:2048 -days 2 -subj /CN=$server -addext subjectAltName=IP:$server \
	-keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
mkdir "$work/db"
start regtest "$internet" python3 "$here/regtest.py"
COIN=Bitcoin NET=regtest DAEMON_URL=http://u:p@127.0.0.1:18443/ DB_DIRECTORY=$work/db \
	SERVICES=ssl://$server:50002 SSL_CERTFILE=$work/cert.pem SSL_KEYFILE=$work/key.pem \
	ALLOW_ROOT=1 PEER_DISCOVERY=off PEER_ANNOUNCE='' start electrumx "$internet" "$dir/venv/bin/electrumx_server"
wait_for 'SSL server listening' electrumx
start_minewall
printf "\toption sensitivity 'eager'\n" >>"$work/config"
kill -HUP "$last"
wait_for 'configuration reloaded' minewall

electrum() { ip netns exec "$home" electrum --regtest -D "$work/wallet" "$@"; }
connect() {
	electrum daemon -d >/dev/null 2>&1
	tries=0
	until electrum getinfo 2>/dev/null | grep -q '"connected": true'; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || {
			echo "the wallet does not reach its server" >&2
			exit 1
		}
		sleep 0.3
	done
	electrum load_wallet >/dev/null
}
shown() {
	"$minewall" status --json --config "$work/config" |
		grep -o '"detections":[0-9]*,"suspects":[0-9]*\|"probes":{[^}]*}\|"resets":[0-9]*' | tr '\n' ' '
	echo
}
# The wallet's daemon is nobody's child.
trap 'electrum stop >/dev/null 2>&1; clean_up' EXIT
electrum --offline create >/dev/null
electrum --offline setconfig server $server:50002:s >/dev/null
electrum --offline setconfig oneserver true >/dev/null
electrum --offline setconfig auto_connect false >/dev/null
connect
end=$(($(date +%s) + seconds))
while [ "$(date +%s)" -lt "$end" ]; do
	electrum createnewaddress >/dev/null 2>&1
	electrum getbalance >/dev/null
	sleep 4
done
echo "after one session of $seconds seconds: $(shown)"
for _ in $(seq "$sessions"); do
	electrum stop >/dev/null
	connect
done
echo "after $sessions more: $(shown)"
cat "$work/events.jsonl" 2>/dev/null
shown | grep -q '"detections":0,.*"resets":0'
