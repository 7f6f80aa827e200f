#!/usr/bin/env bash
# Runs the Go benchmarks of this tree and of another revision, in turn, and
# compares them with benchstat. Usage: scripts/bench.sh [REVISION] [PATTERN]
set -euo pipefail
cd "$(dirname "$0")/.."
base=${1:-$(git describe --tags --abbrev=0 2>/dev/null || git rev-list --max-parents=0 HEAD)}
pattern=${2:-.}
packages=(./pkg/... ./internal/packet ./internal/capture ./internal/render ./internal/sqlnorm ./internal/value ./internal/stats ./internal/tlsdecrypt)

tmp=$(mktemp -d)
trap 'git worktree remove --force "$tmp/base" 2>/dev/null || true; rm -rf "$tmp"' EXIT
git worktree add --detach "$tmp/base" "$base" >/dev/null

run() { (cd "$1" && go test -run '^$' -bench "$pattern" -benchmem -benchtime 200ms "${packages[@]}" 2>/dev/null || true) >>"$2"; }
for i in 1 2 3 4 5 6; do # in turn: the machine's speed may drift
	echo "round $i of 6" >&2
	run "$tmp/base" "$tmp/old.txt"
	run . "$tmp/new.txt"
done
go tool -modfile=tools/go.mod benchstat "base=$tmp/old.txt" "tree=$tmp/new.txt"
