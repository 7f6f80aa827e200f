#!/bin/sh
# Takes away what postinstall made, but for the groups: files may belong to them.
set -e

case "$1" in
remove | 0) ;; # Debian; Red Hat
*) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	systemctl --no-reload disable --now pgsniff.service || true
fi
rm -rf /usr/libexec/pgsniff
