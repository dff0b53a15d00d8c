#!/bin/sh
# Installs what the tests, the demonstration and the benchmark run, on Debian and as root; elsewhere
# it says what is missing. Does nothing where everything is there.
missing=""
need() {
	command -v "$1" >/dev/null || missing="$missing $2"
}
need ip iproute2
need nft nftables
need iptables-nft iptables
need conntrack conntrack
need iperf3 iperf3
need sysctl procps
need shellcheck shellcheck
need openssl openssl
need socat socat
need nginx nginx-light
need redis-server redis-server
need memcached memcached
need mosquitto mosquitto
need mosquitto_pub mosquitto-clients
need busybox busybox
need setpriv util-linux
need python3 python3
need make make
need lua5.1 lua5.1
need dovecot dovecot-imapd
need sshd openssh-server
need ngircd ngircd
need prosody prosody
need vsftpd vsftpd
need dnsmasq dnsmasq-base
need wget wget
# shellcheck disable=SC2086 # a list of packages
"${0%/*}/install-packages.sh" $missing
status=$?
[ "$status" != 3 ] || {
	echo "so some tests will be skipped" >&2
	exit 0
}
exit "$status"
