# shellcheck shell=sh disable=SC3043,SC2034,SC1090
# What the scripts of a package find in OpenWrt's /lib/functions.sh, as thin as the test of ours allows:
# options by section and name, and the conventions of installing.

config_load() {
	CONFIG=$1
}

# variable, section, option, default
config_get() {
	eval "$1=\$(uci -q get \"$CONFIG.$2.$3\" || echo \"\$4\")"
}

# Calls $1 for every section of type $2 that has a name.
config_foreach() {
	local section
	for section in $(uci show "$CONFIG" | sed -n "s/^$CONFIG\.\(.*\)=$2$/\1/p"); do
		"$1" "$section"
	done
}

config_get_bool() {
	config_get "$@"
}

# opkg names the script; apk has set pkgname, and its own script has the rest of the package's.
package_name() {
	[ -n "$pkgname" ] || pkgname=$(basename "${1%.*}")
}

package_files() {
	cat "/lib/apk/packages/$pkgname.list" "/usr/lib/opkg/info/$pkgname.list" 2>/dev/null
}

run_package_script() {
	local script="/usr/lib/opkg/info/$pkgname.$1"
	[ ! -e "$script" ] || (. "$script")
}

add_group_and_user() {
	:
}

default_postinst() {
	local file status
	package_name "$1"
	for file in $(package_files | grep '^/etc/uci-defaults/'); do
		[ -e "$file" ] && (. "$file") && rm -f "$file"
	done
	run_package_script postinst-pkg
	status=$?
	for file in $(package_files | grep '^/etc/init.d/'); do
		[ "$PKG_UPGRADE" = 1 ] || "$file" enable
		"$file" start
	done
	return "$status"
}

default_prerm() {
	local file
	package_name "$1"
	run_package_script prerm-pkg
	for file in $(package_files | grep '^/etc/init.d/'); do
		[ "$PKG_UPGRADE" = 1 ] || "$file" disable
		"$file" stop
	done
}
