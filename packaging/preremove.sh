#!/bin/sh
# Takes away what postinstall made, but for the group: files may belong to it.
set -e

case "$1" in
remove | 0) rm -rf /usr/libexec/pgsniff ;; # Debian; Red Hat
esac
