#!/bin/sh
# Reading files is for everybody. Capturing is for root and for the members of the
# group pgsniff: for them there is a copy of the program with the capability to open
# raw sockets, which `pgsniff live` starts by itself. Looking into servers (--attach)
# takes more, by which the memory of all programs can be read: it has a group and a
# copy of its own. Both groups are empty at first:
#
#     usermod -aG pgsniff NAME
#     usermod -aG pgsniff-attach NAME
set -e

case "$1" in
configure | 1 | 2) ;; # Debian; Red Hat: installation, upgrade
*) exit 0 ;;
esac

# allow GROUP COPY CAPABILITIES makes the copy for a group.
allow() {
	if ! getent group "$1" >/dev/null; then
		groupadd --system "$1"
	fi
	new=/usr/libexec/pgsniff/$2.new
	rm -f "$new"
	cp /usr/bin/pgsniff "$new"
	chown "root:$1" "$new"
	chmod 0750 "$new"
	if ! setcap "$3=ep" "$new"; then
		echo "pgsniff: the file system or kernel takes not all of $3: members of $1 may do no more than others" >&2
		rm -f "$new" "/usr/libexec/pgsniff/$2"
		return 0
	fi
	mv -f "$new" "/usr/libexec/pgsniff/$2"
}

mkdir -p /usr/libexec/pgsniff
allow pgsniff pgsniff cap_net_raw
allow pgsniff-attach pgsniff-attach cap_net_raw,cap_bpf,cap_perfmon,cap_sys_ptrace

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
