package app

import (
	"fmt"
	"strings"

	"github.com/pgsniff/pgsniff/internal/record"
)

// topics are what pgsniff help explains beside commands.
var topics = []struct {
	name, short string
	text        func() string
}{
	{"views", "What --view can show", viewsText},
	{"filters", "Choosing packets, connections, messages and queries", func() string { return filtersText }},
	{"json", "The records of -o json and their fields", jsonText},
	{"tls", "Looking inside TLS", func() string { return tlsText }},
}

func viewsText() string {
	var b strings.Builder
	b.WriteString(`--view LIST says what is shown. Several may be given with commas.

`)
	for i := range registeredViews {
		v := &registeredViews[i]
		fmt.Fprintf(&b, "  %-13s %s\n", v.Name, strings.ReplaceAll(v.Help, "\n", "\n"+strings.Repeat(" ", 16)))
	}
	b.WriteString(`
--view and -o before a --to PATH go to that path, so that one run can write several
outputs:

  pgsniff read day.pcap --json --view queries --to queries.json --view stats`)
	return b.String()
}

const filtersText = `Which packets are looked at:

  --port 5432,6432    server ports
  --any-port          PostgreSQL on every port
  -f 'host 10.0.0.7'  tcpdump's language; take whole connections

What is shown of them. All traffic is followed all the same, so that what is shown
is right; given together, all have to agree:

  --user, --database, --app   connections, by exact name
  --client 10.0.0.7           connections, by address, network or address and port
  --conn 3                    connections, by number
  --type Query,ErrorResponse  messages, by the names of PostgreSQL's manual
  --min-duration 250ms        queries that took so long, and their messages
  --errors                    what failed
  --grep RE                   what a regular expression matches in SQL, values, texts

Examples:

  pgsniff read day.pcap --view queries --app billing --min-duration 100ms
  pgsniff read day.pcap --errors --grep 'orders|invoices'
  pgsniff live -i any -f 'net 10.1.0.0/16' --type ErrorResponse`

// jsonText lists the records that there are and their fields.
func jsonText() string {
	var b strings.Builder
	b.WriteString(`-o json writes one object a line (NDJSON): UTF-8, keys that always have the same type,
times in UTC with nanoseconds. Unknown facts are left out; null is SQL's NULL. Every
record has a type and, but for totals:

`)
	for _, f := range []*record.Field{record.CommonTS, record.CommonConn, record.CommonClient, record.CommonServer} {
		field(&b, f)
	}
	for _, s := range record.Schemas() {
		fmt.Fprintf(&b, "\n%s: %s\n", s.Name, s.Doc)
		for _, f := range s.Fields {
			field(&b, f)
		}
	}
	b.WriteString("\nThe view stats writes one record of type stats. docs/json.md explains all of them.")
	return b.String()
}

func field(b *strings.Builder, f *record.Field) { fmt.Fprintf(b, "  %-22s %s\n", f.Name, f.Doc) }

const tlsText = `TLS is decrypted with the keys of its sessions, which a client can write to a file (a
"key log"), or which are inside a pcapng file. The server's private key does not help.

  pgsniff read day.pcap --keylog keys.log
  pgsniff live -i any --keylog keys.log      follows the file

How clients write it:

  libpq 18     sslkeylogfile=keys.log in the connection string
  Go           tls.Config.KeyLogWriter
  Node.js      node --tls-keylog=keys.log
  Python       ssl.SSLContext.keylog_filename

docs/tls.md has more drivers. Without keys, versions, certificates (up to TLS 1.2),
times and sizes are told, and how connections ended.`
