package sqlnorm

import "github.com/pgsniff/pgsniff/internal/sqltext"

// operations are the words that statements begin with: PostgreSQL's commands,
// those of a replication connection, and those of PgBouncer's console.
var operations = makeOperations(
	"ABORT", "ALTER", "ANALYSE", "ANALYZE", "BEGIN", "CALL", "CHECKPOINT", "CLOSE",
	"CLUSTER", "COMMENT", "COMMIT", "COPY", "CREATE", "DEALLOCATE", "DECLARE", "DELETE",
	"DISCARD", "DO", "DROP", "END", "EXECUTE", "EXPLAIN", "FETCH", "GRANT", "IMPORT",
	"INSERT", "LISTEN", "LOAD", "LOCK", "MERGE", "MOVE", "NOTIFY", "PREPARE", "REASSIGN",
	"REFRESH", "REINDEX", "RELEASE", "REPACK", "RESET", "REVOKE", "ROLLBACK", "SAVEPOINT",
	"SECURITY", "SELECT", "SET", "SHOW", "START", "TABLE", "TRUNCATE", "UNLISTEN", "UPDATE",
	"VACUUM", "VALUES", "WAIT", "WITH",
	"ALTER_REPLICATION_SLOT", "BASE_BACKUP", "CREATE_REPLICATION_SLOT",
	"DROP_REPLICATION_SLOT", "IDENTIFY_SYSTEM", "READ_REPLICATION_SLOT",
	"START_REPLICATION", "TIMELINE_HISTORY", "UPLOAD_MANIFEST",
	"DISABLE", "ENABLE", "KILL", "PAUSE", "RECONNECT", "RELOAD", "RESUME", "SHUTDOWN",
	"SUSPEND",
)

// maxOperation is the length of the longest of them.
const maxOperation = len("CREATE_REPLICATION_SLOT")

func makeOperations(words ...string) map[string]string {
	m := make(map[string]string, len(words))
	for _, w := range words {
		m[string(sqltext.AppendLower(nil, []byte(w)))] = w
	}
	return m
}

// Operation returns the command that a statement is, in upper case: its first
// word, which comments and parentheses may stand before. A statement that begins
// with WITH is the command that its queries serve: SELECT, INSERT, UPDATE,
// DELETE, MERGE, VALUES or TABLE; it is "WITH" if that is missing. Of several
// statements the first one counts. The result is "" where the first word begins
// no command that is known: it never holds text of the statement. It does not
// matter whether sql is normalised.
func Operation(sql []byte) string {
	l := sqltext.Lexer{Src: sql}
	for {
		switch t := l.Next(); t.Kind {
		case sqltext.Open, sqltext.Semicolon:
		case sqltext.Word:
			op := lookupOperation(sql[t.Start:t.End])
			if op != "WITH" {
				return op
			}
			if main := mainOperation(&l); main != "" {
				return main
			}
			return op
		default:
			return ""
		}
	}
}

func lookupOperation(word []byte) string {
	var buf [maxOperation]byte
	if len(word) > len(buf) {
		return ""
	}
	return operations[string(sqltext.AppendLower(buf[:0], word))]
}

// mainOperation returns the command after the queries of a WITH, which l has
// just passed. Each query's name and columns stand before AS, and its command in
// parentheses after it, so the command looked for is the first one outside of
// such parentheses that is no query's name.
func mainOperation(l *sqltext.Lexer) string {
	depth, prev, name := 0, sqltext.EOF, true
	for {
		t := l.Next()
		switch t.Kind {
		case sqltext.EOF:
			return ""
		case sqltext.Semicolon:
			if depth == 0 {
				return ""
			}
		case sqltext.Open:
			if depth == 0 && prev == sqltext.Close {
				continue // WITH … AS (…) ((SELECT …)): these hide nothing
			}
			depth++
		case sqltext.Close:
			depth = max(depth-1, 0)
		case sqltext.Comma:
			name = depth == 0
		case sqltext.Word:
			word := l.Src[t.Start:t.End]
			if depth == 0 && !name {
				if op := mainCommand(lookupOperation(word)); op != "" {
					return op
				}
			}
			if depth == 0 && !sqltext.EqualFold(word, "recursive") {
				name = false
			}
		case sqltext.QuotedIdent:
			name = name && depth > 0
		}
		prev = t.Kind
	}
}

// mainCommand returns op if WITH can stand before it, else "".
func mainCommand(op string) string {
	switch op {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE":
		return op
	}
	return ""
}
