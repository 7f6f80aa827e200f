#!/bin/sh
# Makes the tag of a release after all checks. It pushes nothing.
#
#     scripts/release.sh 0.1.0
set -eu
cd "$(dirname "$0")/.."

version=${1:-}
fail() { echo "release: $*" >&2; exit 1; }

echo "$version" | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+$' || fail "say VERSION=X.Y.Z"
[ -z "$(git status --porcelain)" ] || fail "the working tree has changes that are not committed"
! git rev-parse -q --verify "refs/tags/v$version" >/dev/null || fail "the tag v$version is there already"
grep -Eq "^## $version - [0-9]{4}-[0-9]{2}-[0-9]{2}$" CHANGELOG.md ||
	fail "CHANGELOG.md needs a heading '## $version - YYYY-MM-DD' over what is new in it"
[ -z "$(sed -n '/^## Unreleased/,/^## [0-9]/{/^## /d;/^$/d;p;}' CHANGELOG.md)" ] ||
	fail "CHANGELOG.md still has lines under Unreleased: they belong to $version"

make check
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go run ./scripts/dist -version "$version"
go run ./scripts/dist -version "$version" -fresh -out "$tmp/again"
diff -r dist "$tmp/again" || fail "the same commit gave other bytes"
(cd dist && sha256sum -c SHA256SUMS)

git tag -a -m "pgsniff $version" "v$version"
echo "release: made the tag v$version; git push origin v$version publishes it"
