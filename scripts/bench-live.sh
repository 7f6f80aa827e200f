#!/usr/bin/env bash
# What capturing costs a server: pgbench's throughput (select only, prepared) on
# loopback with nothing beside it, with tcpdump -w /dev/null, and with pgsniff
# live decoding every query to JSON; and the CPU time of each for a packet. Then the
# same over TLS and through a Unix socket, with nothing and with pgsniff attached to
# the server, which must lose nothing.
# Needs root, PostgreSQL with pgbench, and tcpdump; with tshark its time too.
# Usage: scripts/bench-live.sh [SECONDS [ROUNDS]]
set -euo pipefail
cd "$(dirname "$0")/.."
duration=${1:-10}
rounds=${2:-3}

if [ "$(id -u)" != 0 ]; then
	echo "bench-live: needs root, to capture" >&2
	exit 1
fi
bin=${PGSNIFF_PGBIN:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)}
for tool in "$bin/initdb" "$bin/postgres" "$bin/pgbench" "$(command -v tcpdump || echo tcpdump)"; do
	if [ ! -x "$tool" ]; then
		echo "bench-live: $tool is missing (Debian: apt-get install postgresql postgresql-contrib tcpdump)" >&2
		exit 1
	fi
done

tmp=$(mktemp -d)
server=
finish() {
	[ -z "$server" ] || kill -INT "$server" 2>/dev/null || true
	[ -z "$server" ] || wait "$server" 2>/dev/null || true
	rm -rf "$tmp"
}
trap finish EXIT
chmod 755 "$tmp"
owner=postgres
id "$owner" >/dev/null 2>&1 || owner=nobody
as_owner() { setpriv --reuid "$owner" --regid "$(id -g "$owner")" --clear-groups "$@"; }
install -d -o "$owner" "$tmp/data"

CGO_ENABLED=0 go build -o "$tmp/pgsniff" ./cmd/pgsniff
port=$((20000 + RANDOM % 20000))
as_owner "$bin/initdb" -D "$tmp/data" -U postgres -A trust >/dev/null
tls=()
if command -v openssl >/dev/null; then
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "$tmp/server.key" -out "$tmp/server.crt" 2>/dev/null
	for f in server.key server.crt; do install -o "$owner" -m 600 "$tmp/$f" "$tmp/data/$f"; done
	tls=(-c ssl=on)
fi
as_owner "$bin/postgres" -D "$tmp/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$tmp/data" \
	-c fsync=off -c shared_buffers=64MB "${tls[@]}" >"$tmp/log" 2>&1 &
server=$!
pg=(-h 127.0.0.1 -p "$port" -U postgres)
for _ in $(seq 100); do
	"$bin/pg_isready" -q "${pg[@]}" && break
	sleep 0.1
done
"$bin/pgbench" "${pg[@]}" -i -q postgres 2>/dev/null

# bench NAME COMMAND...: runs pgbench beside a command; appends to NAME.tps and
# NAME.cpu (seconds and packets).
bench() {
	local name=$1 pid=
	shift
	if [ $# -gt 0 ]; then
		"$@" >/dev/null 2>"$tmp/err" &
		pid=$!
		sleep 1
	fi
	"$bin/pgbench" "${pg[@]}" -n -S -M prepared -c 4 -j 1 -T "$duration" postgres 2>/dev/null |
		awk '/^tps/ {print $3}' >>"$tmp/$name.tps"
	if [ -n "$pid" ]; then
		sleep 0.5
		# User and system time in ticks, fields 14 and 15 of the line.
		awk -v hz="$(getconf CLK_TCK)" '{printf "%f ", ($14 + $15) / hz}' "/proc/$pid/stat" >>"$tmp/$name.cpu"
		kill -INT "$pid"
		wait "$pid" || true
		grep -oE '[0-9]+ packets( captured)?' "$tmp/err" | head -1 | cut -d' ' -f1 >>"$tmp/$name.cpu"
		grep -oE '[0-9]+ packets dropped by( the)? kernel' "$tmp/err" | tail -1 | cut -d' ' -f1 >>"$tmp/$name.drop"
	fi
}

for round in $(seq "$rounds"); do # in turn: the machine's speed may drift
	echo "round $round of $rounds" >&2
	bench nothing
	# As the user it is: tcpdump gives the file of -w to its own user, a device too.
	bench tcpdump tcpdump -Z root -i lo -w /dev/null "tcp port $port"
	bench pgsniff "$tmp/pgsniff" live -i lo --port "$port" --view queries --json
done

median() { sort -n "$1" | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
base=$(median "$tmp/nothing.tps")
printf '%-28s %10s %8s %12s %8s\n' "beside pgbench" "tps" "of it" "CPU/packet" "dropped"
printf '%-28s %10.0f %7.1f%% %12s %8s\n' nothing "$base" 100 - -
for name in tcpdump pgsniff; do
	awk '$2 > 0 {print $1 / $2 * 1e9}' "$tmp/$name.cpu" >"$tmp/$name.ns"
	printf '%-28s %10.0f %7.1f%% %9.0f ns %8d\n' "$name" "$(median "$tmp/$name.tps")" \
		"$(awk -v a="$(median "$tmp/$name.tps")" -v b="$base" 'BEGIN {print 100 * a / b}')" \
		"$(median "$tmp/$name.ns")" "$(awk '{n += $1} END {print n + 0}' "$tmp/$name.drop")"
done

# attached WAY PGBENCH-ARGUMENTS...: pgbench with and without pgsniff attached, in turn.
# times are flags of pgsniff's.
times=()
attached() {
	local way=$1 pid
	shift
	for _ in $(seq "$rounds"); do
		"$bin/pgbench" -n -S -c 4 -j 1 -T "$duration" -p "$port" -U postgres "$@" postgres 2>/dev/null |
			awk '/^tps/ {print $3}' >>"$tmp/$way.without"
		"$tmp/pgsniff" live --attach="$(head -1 "$tmp/data/postmaster.pid")" --view queries --json "${times[@]}" >/dev/null 2>"$tmp/err" &
		pid=$!
		until grep -q 'attached to' "$tmp/err"; do
			kill -0 "$pid" 2>/dev/null || { cat "$tmp/err" >&2; return; }
			sleep 0.1
		done
		"$bin/pgbench" -n -S -c 4 -j 1 -T "$duration" -p "$port" -U postgres "$@" postgres 2>/dev/null |
			awk '/^tps/ {print $3}' >>"$tmp/$way.with"
		kill -INT "$pid"
		wait "$pid" || true
		grep -oE '[0-9]+ bytes? lost' "$tmp/err" >>"$tmp/$way.lost" || true
	done
	printf '%-28s %10.0f %7.1f%% %12s %8s\n' "attached, $way" "$(median "$tmp/$way.with")" \
		"$(awk -v a="$(median "$tmp/$way.with")" -v b="$(median "$tmp/$way.without")" 'BEGIN {print 100 * a / b}')" - \
		"$([ -s "$tmp/$way.lost" ] && echo lost || echo 0)"
}

attached "Unix socket" -h "$tmp/data"
attached "Unix socket, prepared" -h "$tmp/data" -M prepared
times=(--attach-times=100%) # whatever they cost
attached "Unix socket, all times" -h "$tmp/data"
times=()
if [ ${#tls[@]} -gt 0 ]; then
	export PGSSLMODE=require
	attached TLS -h 127.0.0.1
	attached "TLS, prepared" -h 127.0.0.1 -M prepared
	unset PGSSLMODE
fi

if command -v tshark >/dev/null; then
	"$bin/pgbench" "${pg[@]}" -n -S -M prepared -c 4 -j 1 -T 4 postgres >/dev/null 2>&1 &
	load=$!
	tcpdump -Z root -q -i lo -c 100000 -w "$tmp/some.pcap" "tcp port $port" 2>/dev/null
	wait "$load" || true
	cpu=$( { TIMEFORMAT='%U %S'; time tshark -r "$tmp/some.pcap" -d "tcp.port==$port,pgsql" -Y pgsql >/dev/null 2>&1; } 2>&1)
	printf '%-28s %10s %8s %9.0f ns\n' "(tshark -r of such packets)" "" "" "$(echo "$cpu" | awk '{print ($1 + $2) / 100000 * 1e9}')"
fi
