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

# looking prints the capabilities that looking into servers takes with the kernel that runs.
# Before Linux 6.6 that is CAP_SYS_ADMIN, and before 5.11, which counts what it keeps for a
# program as memory that is locked, CAP_SYS_RESOURCE, too. Newer kernels take these as well.
looking() {
	release=$(uname -r)
	major=${release%%[!0-9]*}
	minor=${release#*.}
	minor=${minor%%[!0-9]*}
	version=$((${major:-0} * 1000 + ${minor:-0}))
	if [ "$version" -ge 6006 ]; then
		echo cap_net_raw,cap_bpf,cap_perfmon,cap_sys_ptrace
	elif [ "$version" -ge 5011 ]; then
		echo cap_net_raw,cap_sys_admin,cap_sys_ptrace
	else
		echo cap_net_raw,cap_sys_admin,cap_sys_ptrace,cap_sys_resource
	fi
}

mkdir -p /usr/libexec/pgsniff
allow pgsniff pgsniff cap_net_raw
allow pgsniff-attach pgsniff-attach "$(looking)"

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
