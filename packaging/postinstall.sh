#!/bin/sh
# Reading files is for everybody. Capturing is for root and for the members of the
# group pgsniff: for them there is a copy of the program with the capability to open
# raw sockets, which `pgsniff live` starts by itself. The group is empty at first:
#
#     usermod -aG pgsniff NAME
set -e

case "$1" in
configure | 1 | 2) ;; # Debian; Red Hat: installation, upgrade
*) exit 0 ;;
esac

if ! getent group pgsniff >/dev/null; then
	groupadd --system pgsniff
fi
mkdir -p /usr/libexec/pgsniff
new=/usr/libexec/pgsniff/pgsniff.new
rm -f "$new"
cp /usr/bin/pgsniff "$new"
chown root:pgsniff "$new"
chmod 0750 "$new"
if ! setcap cap_net_raw=ep "$new"; then
	echo "pgsniff: the file system takes no capabilities: capturing is for root alone" >&2
	rm -f "$new" /usr/libexec/pgsniff/pgsniff
	exit 0
fi
mv -f "$new" /usr/libexec/pgsniff/pgsniff
