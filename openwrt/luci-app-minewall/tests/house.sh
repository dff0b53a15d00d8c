#!/bin/sh
# house.sh MINEWALL LAB: the network of the demonstration with minewall at work, for as long as standard input
# is open. Says `ready ROUTER FOLDER`, then does what each line asks: `mine` lets the host at home try,
# `stop` ends the daemon. Needs root.
set -u
minewall=$1
lab=$2
here=${0%/*}
# shellcheck source=tests/lab/net.sh
. "$here/../../../tests/lab/net.sh"

# The plugin of rpcd as it is, but for where things are.
place_plugin() {
	mkdir "$work/run" "$work/bin"
	touch "$work/run/fixed"
	cp "$work/config" "$work/run/config"
	cat >"$work/minewall-ubus" <<-END
		#!/bin/sh
		shift
		exec '$minewall' ubus --config '$work/config' "\$@"
	END
	cat >"$work/init" <<-END
		#!/bin/sh
		cp '$work/config' '$work/run/config' && kill -HUP $daemon
	END
	cat >"$work/bin/uci" <<-END
		#!/bin/sh
		exec python3 '$here/model/uci.py' '$work/config' "\$@"
	END
	sed "s|/usr/sbin/minewall|$work/minewall-ubus|; s|/var/run/minewall|$work/run|; s|/etc/init.d/minewall|$work/init|" \
		"$here/../../minewall/files/minewall.rpcd" >"$work/plugin"
	chmod +x "$work/minewall-ubus" "$work/init" "$work/bin/uci" "$work/plugin"
}

lay_network
start pool "$internet" "$lab" pool "$pool"
wait_for listening pool
start_minewall
daemon=$last
# Where the kernel has only iptables' queue the rules are there, but not in the table that the plugin asks for.
ip netns exec "$router" nft add table inet minewall
# A lease may hold any name.
echo "4000000000 $mac 10.9.1.2 ${HOSTNAME_AT_HOME:-childs-laptop} *" >"$work/leases"
place_plugin
echo "ready $router $work"

while read -r command; do
	case $command in
	mine) ip netns exec "$home" "$lab" miner "$pool" >/dev/null 2>&1 ;;
	stop) kill "$daemon" && wait "$daemon" ;;
	esac
	echo "done $command"
done
