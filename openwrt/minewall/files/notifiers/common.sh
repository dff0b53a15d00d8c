# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154
# For the scripts beside it, in a shell of their own: settings of the section, words for people, and a POST.

# name, usual value
setting() {
	config_get value "$section" "$1" "$2"
	printf '%s' "$value"
}

fail() {
	echo "$1" >&2
	exit 1
}

# Settings become lines of other programs' configurations and words of their commands.
# name, what it is
needed() {
	config_get value "$section" "$1"
	case $value in
	'') fail "option '$1' is missing: $2" ;;
	-* | *[[:space:]\"\\]*) fail "option '$1' has a character that can't be in it: $2" ;;
	esac
	printf '%s' "$value"
}

who=${MINEWALL_HOST:-$MINEWALL_CLIENT}
case $MINEWALL_EVENT in
test)
	title="minewall: TEST"
	text="This is a test of minewall's notices: nothing has happened."
	;;
report)
	title="minewall: weekly report"
	text=$event
	;;
*)
	title="minewall: $who $MINEWALL_VERDICT"
	text="$MINEWALL_TIME
Host: ${MINEWALL_HOST:-no name}, $MINEWALL_CLIENT, ${MINEWALL_MAC:-no MAC}
Server: $MINEWALL_SERVER
Protocol: $MINEWALL_DIALECT ${MINEWALL_COIN:+($MINEWALL_COIN)}
Seen: $MINEWALL_EVIDENCE
Verdict: $MINEWALL_VERDICT
Not told since the notice before: ${MINEWALL_SUPPRESSED:-0}"
	;;
esac

# What goes to a program goes through files that nobody else may read.
folder=$(mktemp -d "$STATE/XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT

# Text as part of a JSON string (RFC 8259 section 7): printable ASCII and line feeds.
json() {
	printf '%s' "$1" | tr -c ' -~\n' '_' | sed 's/[\\"]/\\&/g' | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'
}

# Text as part of a form (WHATWG URL, application/x-www-form-urlencoded); what is left out has no meaning there.
form() {
	printf '%s' "$1" | tr -c ' -~\n' '_' |
		sed 's/%/%25/g; s/+/%2B/g; s/&/%26/g; s/=/%3D/g; s/#/%23/g; s/;/%3B/g; s/ /+/g' |
		awk 'NR > 1 { printf "%%0A" } { printf "%s", $0 }'
}

# URL, type of the content, 'NAME:PASSWORD' or ':TOKEN' or nothing; the body is on standard input.
# curl, where it is installed, keeps URL and password off its command line, which every program on the router can read,
# and says how long the body is; uclient-fetch sends it in chunks (RFC 9112 section 7.1).
post() {
	case $1 in
	http://?* | https://?*) ;;
	*) fail "the address begins with http:// or https://" ;;
	esac
	cat >"$folder/body"
	if command -v curl >/dev/null; then
		{
			printf 'url = "%s"\n' "$1"
			[ -z "$3" ] || printf 'user = "%s"\n' "$(printf '%s' "$3" | sed 's/[\\"]/\\&/g')"
		} >"$folder/curl"
		curl -sS -f -m 15 -o /dev/null -H "Content-Type: $2" --data-binary "@$folder/body" -K "$folder/curl"
	elif [ -n "$3" ] && [ -n "${3%%:*}" ]; then
		uclient-fetch -T 15 -O /dev/null --user="${3%%:*}" --password="${3#*:}" --header="Content-Type: $2" --post-file="$folder/body" "$1"
	elif [ -n "$3" ]; then
		uclient-fetch -T 15 -O /dev/null --header="Authorization: Bearer ${3#:}" --header="Content-Type: $2" --post-file="$folder/body" "$1"
	else
		uclient-fetch -T 15 -O /dev/null --header="Content-Type: $2" --post-file="$folder/body" "$1"
	fi
}
