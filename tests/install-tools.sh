#!/bin/sh
# tests/install-tools.sh [deb|demo|test]: installs what makes Debian's package, what the demonstration runs, or the tests
# and the benchmark (if nothing is named), on Debian and as root; elsewhere it says what is missing. Does nothing where
# everything is there.
missing=""
need() {
	PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null || missing="$missing $2"
}
[ "${1:-test}" != deb ] || need python3 python3
[ "${1:-test}" = deb ] || {
	need ip iproute2
	need nft nftables
	need iptables-nft iptables
	need sysctl procps
	need flock util-linux
}
[ "${1:-test}" != test ] || {
	need conntrack conntrack
	need iperf3 iperf3
	need shellcheck shellcheck
	need openssl openssl
	need signify-openbsd signify-openbsd
	need socat socat
	need nginx nginx-light
	need lighttpd lighttpd
	need tinyproxy tinyproxy-bin
	need redis-server redis-server
	need memcached memcached
	need beanstalkd beanstalkd
	need mosquitto mosquitto
	need mosquitto_pub mosquitto-clients
	need rsyslogd rsyslog
	[ -n "$(find /usr/lib -name lmnsd_gtls.so 2>/dev/null)" ] || missing="$missing rsyslog-gnutls"
	need slapd slapd
	need rsync rsync
	need unbound unbound
	need busybox busybox
	need setpriv util-linux
	need python3 python3
	need make make
	need lua5.1 lua5.1
	need dovecot dovecot-imapd
	[ -e /usr/lib/dovecot/pop3 ] || missing="$missing dovecot-pop3d"
	need sshd openssh-server
	need ngircd ngircd
	need prosody prosody
	need vsftpd vsftpd
	need dnsmasq dnsmasq-base
	need wget wget
	need faketime faketime
	# Debian keeps the server's programs out of the path.
	[ -n "$(find /usr/lib/postgresql -name postgres 2>/dev/null)" ] || missing="$missing postgresql-15"
}
# shellcheck disable=SC2086 # a list of packages
"${0%/*}/install-packages.sh" $missing
status=$?
[ "$status" != 3 ] || {
	echo "so some tests will be skipped" >&2
	exit 0
}
exit "$status"
