#!/bin/sh
# Runs every fuzz target of the module, one after the other, each for as long as
# the first argument says (default 1h). Further arguments are the packages to
# take, default all. Crashers are left in the package's testdata/fuzz: fix them
# and commit them.
#
#   scripts/fuzz.sh 1h
#   scripts/fuzz.sh 10m ./internal/analyze
set -eu
cd "$(dirname "$0")/.."
time=${1:-1h}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- ./...
failed=0
for package in $(go list "$@"); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $target, $time"
		# Minimising what is merely interesting would take most of the time.
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 20x "$package" || failed=1
	done
done
exit $failed
