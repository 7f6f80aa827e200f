package findings

import (
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// TestNodePostgres tells it from libpq, which can be told to begin alike.
func TestNodePostgres(t *testing.T) {
	for _, c := range []struct {
		formats []int16
		want    driver
	}{{[]int16{0, 0}, nodePg}, {nil, unknownDriver}, {[]int16{0}, unknownDriver}} {
		k := &conn{app: &app{}, driver: likeNodePg}
		k.learnDriver(&seenExchange{Exchange: &Exchange{HasParams: true, Statement: []byte("by-id")}})
		if k.app.driver != unknownDriver || k.driver != likeNodePg {
			t.Error("a query without parameters tells the driver")
		}
		k.learnDriver(&seenExchange{Exchange: &Exchange{HasParams: true, Params: messages.Values{[]byte("1"), []byte("a")}, Formats: c.formats, Portal: []byte{}}})
		if k.driver != c.want {
			t.Errorf("formats %v: driver %d, want %d", c.formats, k.driver, c.want)
		}
		if k.app.driver != c.want {
			t.Errorf("formats %v: driver %d of the application, want %d", c.formats, k.app.driver, c.want)
		}
	}
}

// The names are those that the drivers give; the texts are what the mappers write,
// normalised.
func TestDrivers(t *testing.T) {
	for name, want := range map[string]driver{
		"S_1": jdbc, "C_23": jdbc, "S_": unknownDriver, "S_1x": unknownDriver, "_pg3_0": psycopg3, "__asyncpg_stmt_1__": asyncpg,
		"stmtcache_e91ec82e9f1bf27726a29264ef6cd9391666c754b1cfa0ec": pgx, "lrupsc_1_0": pgx, "_auto7": npgsql, "dbdpg_p821_1": dbdPg,
		"pdo_stmt_00000001": pdo, "sqlx_s_4": rustSqlx, "": unknownDriver, "my_statement": unknownDriver, "fetch_1": unknownDriver,
	} {
		if got := driverOfName([]byte(name)); got != want {
			t.Errorf("%q: driver %d, want %d", name, got, want)
		}
	}
	if d, m := byName("PostgreSQL JDBC Driver"); d != jdbc || m != unknownMapper {
		t.Error("JDBC's own name is not known")
	}
	if d, m := byName("railsmith"); d != unknownDriver || m != unknownMapper {
		t.Error("a name that merely begins so is taken for Rails")
	}
	start := func(params ...string) []byte {
		b := []byte{0, 3, 0, 0}
		for _, p := range params {
			b = append(append(b, p...), 0)
		}
		return append(b, 0)
	}
	for _, c := range []struct {
		body []byte
		want driver
	}{
		{start("user", "shop", "database", "shop", "client_encoding", "UTF8", "DateStyle", "ISO", "TimeZone", "Etc/UTC", "extra_float_digits", "2"), jdbc},
		{start("user", "shop", "client_encoding", "UTF8", "datestyle", "ISO, MDY"), libpqGo},
		{start("user", "shop", "database", "shop", "client_encoding", "'utf-8'"), asyncpg},
		{start("user", "shop", "database", "shop", "application_name", "api", "client_encoding", "UTF8"), likeNodePg},
		{start("user", "shop", "database", "shop", "client_encoding", "UTF8", "application_name", "postgres.js"), unknownDriver},
		{start("user", "shop")[:7], unknownDriver},
		{nil, unknownDriver},
	} {
		if got := driverOfStartup(c.body); got != c.want {
			t.Errorf("%q: driver %d, want %d", c.body, got, c.want)
		}
	}
}

func TestMappers(t *testing.T) {
	for text, want := range map[string]mapper{
		`select "authors".* from "authors" order by "authors"."id" asc limit $1`:                                                      activeRecord,
		`select "public"."User"."id", "public"."User"."name" from "public"."User" where "public"."User"."id" = $1 limit $2 offset $3`: prisma,
		`select "user"."id" as "user_id", "user"."name" as "user_name" from "user" "user" where "user"."id" = $1`:                     typeORM,
		`select "t1"."id", "t1"."name" from "customers" as "t1" where ("t1"."id" = $1) limit $2`:                                      unknownMapper, // peewee
		`select "id", "title" from "Posts" as "Post" where "Post"."userId" = $1`:                                                      sequelize,
		`select o1_0.id, o1_0.name from orders o1_0 where o1_0.customer_id = $1`:                                                      hibernate,
		`select orders.id as orders_id, orders.total as orders_total from orders where orders.id = $1`:                                sqlAlchemy,
		`savepoint sa_savepoint_1`: sqlAlchemy,
		`select "blog_author"."id", "blog_author"."name" from "blog_author" where "blog_author"."id" = $1 limit $2`:     django,
		`select * from "users" where "users"."id" = $1 and "users"."deleted_at" is null order by "users"."id" limit $2`: gorm,
		`select * from "posts" where "posts"."user_id" = $1 and "posts"."user_id" is not null`:                          laravel,
		`select u.id as user_key, u.name as label from users u`:                                                         unknownMapper,
		`select id, title from products where id = $1`:                                                                  unknownMapper,
		`select "id", "name" from "users" where "users"."id" = $1`:                                                      unknownMapper,
		``: unknownMapper,
	} {
		if got := mapperOf(text); got != want {
			t.Errorf("%s: mapper %d, want %d", text, got, want)
		}
	}
	a := &app{}
	columns := &statement{text: `select "authors"."id", "authors"."name" from "authors" where "authors"."id" = $1 limit $2`}
	if a.learnMapper(columns); a.mapper != unknownMapper {
		t.Error("columns alone are said to be Django's")
	}
	a.learnMapper(&statement{text: "set time zone $1"})
	if a.learnMapper(columns); a.mapper != django {
		t.Error("Django is not known")
	}
}

// Who is known is told of his own switch alone.
func TestAdviceNamesTheSwitch(t *testing.T) {
	for _, c := range []struct {
		ways *ways
		app  *app
		want string
	}{
		{&planWays, &app{driver: jdbc}, "SET plan_cache_mode = force_custom_plan for this role or statement; or prepareThreshold=0 (JDBC), a partial index or better statistics for the skewed column."},
		{&eagerWays, &app{driver: jdbc, mapper: hibernate}, "in Hibernate, as this looks: JOIN FETCH, @EntityGraph or @BatchSize (hibernate.default_batch_fetch_size)."},
		{&eagerWays, &app{driver: jdbc}, eagerWays.others},
		{&leakWays, nil, leakWays.lead + leakWays.others},
		{&poolWays, &app{driver: pgx}, "Keep connections: pgxpool in place of pgx.Connect (pgx), or PgBouncer in front. Each connection costs the server a process and, with SCRAM, thousands of hash rounds on both sides."},
		{&tripWays, &app{}, "Ask for more in one trip: pipelining or a batch (psycopg pipeline, pgx SendBatch, JDBC batches), one statement or function for the unit of work; or move the program to the server's side."},
		{&idleWays, &app{mapper: django}, idleWays.lead + idleWays.mappers[django]},
	} {
		if got := c.ways.of(c.app); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
