package sqlnorm

import "github.com/pgsniff/pgsniff/internal/sqltext"

// knownObjects are what CREATE and ALTER are about where no secrets are.
var knownObjects = makeSet("access", "aggregate", "cast", "collation", "constraint", "conversion",
	"database", "default", "domain", "event", "extension", "function", "global", "index", "language",
	"large", "local", "materialized", "operator", "or", "policy", "procedural", "procedure", "property",
	"publication", "recursive", "routine", "rule", "schema", "sequence", "statistics", "system", "table",
	"tablespace", "temp", "temporary", "text", "transform", "trigger", "trusted", "type", "unique",
	"unlogged", "view")

// roleWords are the words of CREATE and ALTER ROLE but for names and passwords.
var roleWords = makeSet("with", "superuser", "nosuperuser", "createdb", "nocreatedb", "createrole",
	"nocreaterole", "createuser", "nocreateuser", "inherit", "noinherit", "login", "nologin",
	"replication", "noreplication", "bypassrls", "nobypassrls", "connection", "limit", "encrypted",
	"unencrypted", "password", "null", "valid", "until", "in", "role", "group", "admin", "user", "sysid",
	"rename", "to", "set", "reset", "all", "database", "add", "drop", "if", "not", "exists", "option",
	"from", "current_user", "session_user", "current_role", "granted", "by", "and", "default", "current",
	"identified", "uescape")

// nameWords are those of them that a name follows.
var nameWords = makeSet("role", "group", "admin", "user", "to", "database", "set", "reset", "exists", "by", "in")

// harmlessOptions are the words before constants that are no secrets.
var harmlessOptions = makeSet("until", "user", "host", "hostaddr", "port", "dbname", "service", "sslmode",
	"sslrootcert", "fetch_size", "batch_size", "use_remote_estimate", "async_capable", "updatable",
	"truncatable", "extensions", "fdw_startup_cost", "fdw_tuple_cost", "parallel_commit",
	"parallel_abort", "keep_connections", "password_required", "application_name", "table_name",
	"schema_name", "column_name", "connect_timeout", "version", "type", "password_encryption",
	"uescape")

// numberWords are those before numbers that are none.
var numberWords = makeSet("limit", "offset", "first", "next", "sysid")

// besideWords stand between a name and what it is given or compared with.
var besideWords = makeSet("to", "is", "by", "default", "in", "like", "ilike", "between", "similar", "not", "for", "distinct")

const maxSetWord = 20

func makeSet(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

func inSet(set map[string]bool, w []byte) bool {
	var buf [maxSetWord]byte
	return len(w) <= len(buf) && set[string(sqltext.AppendLower(buf[:0], w))]
}

// placeWords are those that the name of a table or column follows.
var placeWords = makeSet("as", "from", "join", "into", "update", "table", "only", "by", "using", "on")

// otherVerbs are those of other servers' statements that name what PostgreSQL's do.
var otherVerbs = makeSet("upsert", "replace", "backup", "restore", "unload", "use", "cancel", "describe", "desc", "optimize", "if", "return", "raise", "perform")
