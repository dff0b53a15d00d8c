#!/bin/sh
# Real daemons of Debian's, each on a loopback port of its own, are asked by `minewall probe`: none may
# be taken for a pool. usage: daemons.sh MINEWALL. Daemons that are not installed, or do not start, are named and
# skipped; with MINEWALL_LIVE=1 each of the 30 services must be asked. Needs root. All ports are those of a network
# namespace of this run.
set -u
SERVICES=30
minewall=$1
[ "${2:-}" = inside ] || exec unshare --net "$0" "$minewall" inside
ip link set lo up
dir=$(mktemp -d)
pids=""
cleanup() {
	# shellcheck disable=SC2086 # a list of process ids
	[ -z "$pids" ] || kill $pids 2>/dev/null
	wait
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
chmod 755 "$dir"
port=24000
asked=0
told=0
wrong=0
missing=""

# A daemon in the foreground: its program, then its command line.
start() {
	"$@" >"$dir/log.$port" 2>&1 &
	last=$!
	pids="$pids $last"
}
# Whether the daemon that was started last has ended.
is_gone() { ! grep -qs '^State:[[:space:]]*[^XZ]' "/proc/$last/status"; }
has() {
	PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null && return 0
	missing="$missing $1"
	return 1
}
next() { port=$((port + 1)); }
# usually PORT: the port that the protocol is known by, for one daemon.
usually() {
	between=$port
	port=$1
}
unusually() { port=$between; }
# ask NAME [OPTION...]: waits until the port is listened at, then probes.
ask() {
	name=$1
	shift
	tries=0
	hex=$(printf '%04X' "$port")
	while ! grep -qE ":$hex [0-9A-F:]+ 0A " /proc/net/tcp /proc/net/tcp6; do
		tries=$((tries + 1))
		if [ $tries -gt 1200 ] || is_gone; then
			echo "$name: does not listen" >&2
			sed 's/^/    /' "$dir/log.$port" >&2
			return
		fi
		sleep 0.05
	done
	asked=$((asked + 1))
	out=$("$minewall" probe --json "$@" "127.0.0.1:$port")
	status=$?
	printf '%-28s %s\n' "$name" "$out"
	case $status in
	1) told=$((told + 1)) ;;
	2) ;;
	*) wrong=$((wrong + 1)) ;;
	esac
}

PATH="$PATH:/usr/sbin:/sbin"
openssl req -x509 -nodes -newkey rsa:2048 -days 2 -subj /CN=localhost \
	-keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
chmod 644 "$dir/key.pem"

if has nginx; then
	next
	http=$port
	https=$((port + 1))
	redirect=$((port + 2))
	mkdir -p "$dir/www"
	echo '<h1>Mining Pool Online</h1> stratum+tcp://pool.example:3333' >"$dir/www/index.html"
	cat >"$dir/nginx.conf" <<-EOF
		daemon off;
		error_log $dir/nginx.log;
		pid $dir/nginx.pid;
		events {}
		http {
			access_log off;
			server { listen 127.0.0.1:$http; root $dir/www; }
			server {
				listen 127.0.0.1:$https ssl;
				ssl_certificate $dir/cert.pem;
				ssl_certificate_key $dir/key.pem;
				root $dir/www;
			}
			server { listen 127.0.0.1:$redirect; return 301 https://localhost/; }
		}
	EOF
	start nginx -c "$dir/nginx.conf" -p "$dir"
	ask nginx
	next
	ask "nginx, TLS" --tls --sni localhost
	ask "nginx, TLS to be found"
	next
	ask "nginx, redirection"
fi
if has lighttpd; then
	next
	printf 'server.document-root="%s"\nserver.port=%s\nserver.bind="127.0.0.1"\n' "$dir" "$port" >"$dir/lighttpd.conf"
	start lighttpd -D -f "$dir/lighttpd.conf"
	ask lighttpd
fi
if has openssl; then
	next
	start openssl s_server -quiet -www -accept "127.0.0.1:$port" -cert "$dir/cert.pem" -key "$dir/key.pem"
	ask "openssl s_server -www" --tls
fi
if has python3; then
	next
	start python3 -m http.server --bind 127.0.0.1 --directory "$dir" "$port"
	ask "python http.server"
fi
if has tinyproxy; then
	next
	printf 'Port %s\nListen 127.0.0.1\nTimeout 60\n' "$port" >"$dir/tinyproxy.conf"
	start tinyproxy -d -c "$dir/tinyproxy.conf"
	ask tinyproxy
fi
if has sshd; then
	next
	mkdir -p /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
	start "$(command -v sshd)" -D -f /dev/null -h "$dir/host_key" -o ListenAddress=127.0.0.1 -p "$port" -o PidFile=none
	ask OpenSSH
fi
if has dovecot; then
	next
	imap=$port
	imaps=$((port + 1))
	pop3=$((port + 2))
	mkdir -p "$dir/dovecot"
	cat >"$dir/dovecot.conf" <<-EOF
		base_dir = $dir/dovecot
		log_path = $dir/dovecot.log
		protocols = imap pop3
		ssl = yes
		ssl_cert = <$dir/cert.pem
		ssl_key = <$dir/key.pem
		passdb {
			driver = static
			args = password=x
		}
		service imap-login {
			inet_listener imap { port = $imap }
			inet_listener imaps {
				port = $imaps
				ssl = yes
			}
		}
		service pop3-login {
			inet_listener pop3 { port = $pop3 }
			inet_listener pop3s { port = 0 }
		}
	EOF
	sed -i -E 's/\{ (port = [0-9]+) \}/{\n\1\n}/' "$dir/dovecot.conf"
	start dovecot -F -c "$dir/dovecot.conf"
	ask "dovecot, IMAP"
	next
	ask "dovecot, IMAP in TLS" --tls
	next
	ask "dovecot, POP3"
fi
if has vsftpd; then
	next
	printf 'listen=YES\nlisten_port=%s\nlisten_address=127.0.0.1\nbackground=NO\nanonymous_enable=YES\nsecure_chroot_dir=%s\n' "$port" "$dir" >"$dir/vsftpd.conf"
	start vsftpd "$dir/vsftpd.conf"
	ask "vsftpd, FTP"
fi
if has ngircd; then
	next
	printf '[Global]\nName = irc.example.net\nInfo = x\nPorts = %s\nListen = 127.0.0.1\n[Options]\nPAM = no\nIdent = no\nDNS = no\n' "$port" >"$dir/ngircd.conf"
	start ngircd -n -f "$dir/ngircd.conf"
	ask "ngircd, IRC"
fi
if has prosody; then
	next
	cat >"$dir/prosody.cfg.lua" <<-EOF
		c2s_ports = { $port }
		c2s_interfaces = { "127.0.0.1" }
		modules_disabled = { "s2s", "posix" }
		modules_enabled = { "saslauth", "c2s" }
		data_path = "$dir"
		pidfile = "$dir/prosody.pid"
		run_as_root = true
		c2s_require_encryption = false
		VirtualHost "localhost"
	EOF
	start prosody --config "$dir/prosody.cfg.lua" -F
	ask "prosody, XMPP"
fi
if has mosquitto; then
	next
	printf 'listener %s 127.0.0.1\nallow_anonymous true\nlistener %s 127.0.0.1\ncertfile %s\nkeyfile %s\nlistener %s 127.0.0.1\nprotocol websockets\n' \
		"$port" $((port + 1)) "$dir/cert.pem" "$dir/key.pem" $((port + 2)) >"$dir/mosquitto.conf"
	start mosquitto -c "$dir/mosquitto.conf"
	ask "mosquitto, MQTT"
	next
	ask "mosquitto, MQTT in TLS" --tls
	next
	ask "mosquitto, MQTT in WebSocket"
fi
if has redis-server; then
	next
	start redis-server --port "$port" --bind 127.0.0.1 --dir "$dir" --save ''
	ask Redis
fi
if has memcached; then
	next
	start memcached -u nobody -l 127.0.0.1 -p "$port" -U 0
	ask memcached
fi
if has beanstalkd; then
	next
	start beanstalkd -l 127.0.0.1 -p "$port"
	ask beanstalkd
fi
if has slapd; then
	usually 389
	mkdir -p "$dir/ldap"
	printf 'include /etc/ldap/schema/core.schema\nmoduleload back_mdb\nmodulepath /usr/lib/ldap\ndatabase mdb\nsuffix "dc=x"\ndirectory %s\npidfile %s\n' "$dir/ldap" "$dir/slapd.pid" >"$dir/slapd.conf"
	start slapd -d 0 -f "$dir/slapd.conf" -h "ldap://127.0.0.1:$port"
	ask "slapd, LDAP"
	unusually
fi
if has rsync; then
	next
	printf 'pid file = %s\nuse chroot = no\n[x]\npath = %s\n' "$dir/rsync.pid" "$dir" >"$dir/rsyncd.conf"
	start rsync --daemon --no-detach --config="$dir/rsyncd.conf" --port="$port" --address=127.0.0.1
	ask rsync
fi
if has unbound; then
	usually 853
	cat >"$dir/unbound.conf" <<-EOF
		server:
			interface: 127.0.0.1@$port
			tls-port: $port
			tls-service-key: "$dir/key.pem"
			tls-service-pem: "$dir/cert.pem"
			username: ""
			chroot: ""
			directory: "$dir"
			pidfile: ""
			use-syslog: no
			do-daemonize: no
		remote-control:
			control-enable: no
	EOF
	start unbound -d -c "$dir/unbound.conf"
	ask "unbound, DNS over TLS" --tls
	unusually
fi
# Debian keeps the programs of a server out of the path.
for folder in /usr/lib/postgresql/*/bin; do
	PATH=$PATH:$folder
done
if has postgres; then
	usually 5432
	mkdir "$dir/pg"
	chown nobody "$dir/pg"
	if setpriv --reuid=nobody --clear-groups initdb -D "$dir/pg" >"$dir/log.$port" 2>&1; then
		start setpriv --reuid=nobody --clear-groups "$(command -v postgres)" -D "$dir/pg" -h 127.0.0.1 -p "$port" -k "$dir/pg"
		ask PostgreSQL
	fi
	unusually
fi
if has socat; then
	next
	start socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" EXEC:cat
	ask "socat, echo"
	next
	start socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" OPEN:/dev/null
	ask "socat, discard"
	next
	start socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" SYSTEM:date
	ask "socat, daytime"
	next
	start socat -u OPEN:/dev/zero "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr"
	ask "socat, zeros without end"
	next
	start socat -u OPEN:/dev/urandom "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr"
	ask "socat, noise without end"
fi

[ -z "$missing" ] || echo "not installed, so skipped:$missing" >&2
echo "$asked of $SERVICES services asked, $told told for what they are, $wrong taken for pools"
[ "$wrong" = 0 ] || exit 1
[ "${MINEWALL_LIVE:-0}" = 0 ] || [ "$asked" = "$SERVICES" ] || exit 1
