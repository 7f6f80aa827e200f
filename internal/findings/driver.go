package findings

import (
	"bytes"
	"strings"
)

// driver is a program's way to PostgreSQL, as far as the wire tells it: by its
// startup parameters and by the names that it gives to statements, portals and
// savepoints.
type driver uint8

const (
	unknownDriver driver = iota
	jdbc
	psycopg3
	asyncpg
	pgx
	libpqGo
	npgsql
	dbdPg
	pdo
	rustSqlx
	nodePg
	// likeNodePg is node-postgres or a program on libpq, which ends its startup packet
	// with the encoding as well if it is told one: the formats of parameters tell.
	likeNodePg
)

// mapper is the object mapper that writes a program's statements, by their shape.
type mapper uint8

const (
	unknownMapper mapper = iota
	django
	sqlAlchemy
	activeRecord
	hibernate
	prisma
	sequelize
	typeORM
	gorm
	laravel
)

// numbered reports whether a name is a prefix and a number.
func numbered(name []byte, prefix string) bool {
	rest, ok := bytes.CutPrefix(name, []byte(prefix))
	if !ok || len(rest) == 0 {
		return false
	}
	for _, c := range rest {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// byName knows what names itself: JDBC's driver where nobody else did, and programs that
// Rails brings along (ruby-pg takes the name of the program).
func byName(application string) (driver, mapper) {
	switch {
	case application == "PostgreSQL JDBC Driver":
		return jdbc, unknownMapper
	case application == "bin/rails", application == "rails", strings.HasPrefix(application, "sidekiq "):
		return unknownDriver, activeRecord
	}
	return unknownDriver, unknownMapper
}

// driverOfName knows drivers by the name of a statement or portal.
func driverOfName(name []byte) driver {
	has := func(prefix string) bool { return bytes.HasPrefix(name, []byte(prefix)) }
	switch {
	case numbered(name, "S_"), numbered(name, "C_"):
		return jdbc
	case has("_pg3_"):
		return psycopg3
	case has("__asyncpg_"):
		return asyncpg
	case has("stmtcache_") && len(name) > 20, has("lrupsc_"):
		return pgx
	case numbered(name, "_auto"):
		return npgsql
	case has("dbdpg_p"):
		return dbdPg
	case has("pdo_stmt_"):
		return pdo
	case numbered(name, "sqlx_s_"):
		return rustSqlx
	}
	return unknownDriver
}

// driverOfStartup knows drivers by the parameters that they send at the start; body is
// the startup message behind its length.
func driverOfStartup(body []byte) driver {
	if len(body) < 4 {
		return unknownDriver
	}
	var style, lower, encoding, last []byte
	digits, zone := false, false
	for b := body[4:]; len(b) > 0 && b[0] != 0; {
		key, rest, ok := bytes.Cut(b, []byte{0})
		if !ok {
			break
		}
		value, rest, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			break
		}
		switch string(key) {
		case "extra_float_digits":
			digits = true
		case "DateStyle":
			style = value
		case "TimeZone":
			zone = true
		case "datestyle":
			lower = value
		case "client_encoding":
			encoding = value
		}
		b, last = rest, key
	}
	switch {
	case digits && zone && string(style) == "ISO":
		return jdbc
	case string(lower) == "ISO, MDY" && string(encoding) == "UTF8":
		return libpqGo
	case string(encoding) == "'utf-8'":
		return asyncpg
	case string(encoding) == "UTF8" && string(last) == "client_encoding":
		return likeNodePg
	}
	return unknownDriver
}

// maxShapes bounds the statements of an application whose shape is looked at.
const maxShapes = 256

// learnMapper looks at a statement that is new to an application.
func (a *app) learnMapper(s *statement) {
	if a.mapper != unknownMapper || a.shapes >= maxShapes {
		return
	}
	a.shapes++
	a.zoned = a.zoned || s.text == "set time zone $1"
	if a.mapper = mapperOf(s.text); a.mapper == unknownMapper && a.zoned && listsColumns(s.text) {
		a.mapper = django
	}
}

// learnDriver looks at the names in an exchange.
func (c *conn) learnDriver(q *seenExchange) {
	if c.driver == likeNodePg && q.HasParams && q.Params.Len() > 0 {
		c.driver = unknownDriver
		if len(q.Formats) == q.Params.Len() {
			c.driver = nodePg // libpq sends none for parameters that are all text
		}
	}
	if c.app.driver != unknownDriver || len(q.Statement) == 0 && len(q.Portal) == 0 && c.driver != nodePg {
		return
	}
	if c.driver == unknownDriver || c.driver == likeNodePg {
		for _, name := range [][]byte{q.Statement, q.Portal} {
			if d := driverOfName(name); d != unknownDriver {
				c.driver = d
				break
			}
		}
	}
	if c.driver != likeNodePg {
		c.app.driver = c.driver
	}
}
