#!/bin/sh
# Makes the tag of a release after all checks. It pushes nothing. What the changelog has
# under Unreleased becomes part of the version, with the date of today: that is a commit
# of its own, which a check that fails leaves behind to be run again upon.
#
#     scripts/release.sh 0.1.0
set -eu
cd "$(dirname "$0")/.."

version=${1:-}
fail() { echo "release: $*" >&2; exit 1; }

echo "$version" | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+$' || fail "say VERSION=X.Y.Z"
[ -z "$(git status --porcelain)" ] || fail "the working tree has changes that are not committed"
! git rev-parse -q --verify "refs/tags/v$version" >/dev/null || fail "the tag v$version is there already"

go run ./scripts/dist -changelog "$version"
if [ -n "$(git status --porcelain CHANGELOG.md)" ]; then
	git commit -qm "changelog: $version" CHANGELOG.md
fi

make check
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go run ./scripts/dist -version "$version"
go run ./scripts/dist -version "$version" -fresh -out "$tmp/again"
diff -r dist "$tmp/again" || fail "the same commit gave other bytes"
(cd dist && sha256sum -c SHA256SUMS)

git tag -a -m "pgsniff $version" "v$version"
echo "release: made the tag v$version; git push --follow-tags publishes it"
