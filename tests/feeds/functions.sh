# shellcheck shell=sh disable=SC2034
# What OpenWrt's /lib/functions.sh gives a script, from a file with one setting a line: section, option, value.

config_load() {
	CONFIG_FILE=$IPKG_INSTROOT/etc/config/$1
}

config_foreach() {
	for each in $(cut -d ' ' -f 1 "$CONFIG_FILE" | uniq); do
		"$1" "$each"
	done
}

config_get() {
	found=$(sed -n "s/^$2 $3 //p" "$CONFIG_FILE")
	eval "$1=\${found:-\$4}"
}

config_get_bool() {
	config_get "$@"
}
