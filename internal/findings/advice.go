package findings

// ways are what to change for one kind of finding: lead and tail say it for all, around
// the switch of the program's driver or mapper; others names the usual switches where
// these are not known.
type ways struct {
	lead, others string
	tail         string
	drivers      map[driver]string
	mappers      map[mapper]string
}

// of chooses the way for an application: its mapper's, else its driver's.
func (w *ways) of(a *app) string {
	if a != nil {
		if s := w.mappers[a.mapper]; s != "" {
			return w.lead + s + w.tail
		}
		if s := w.drivers[a.driver]; s != "" {
			return w.lead + s + w.tail
		}
	}
	return w.lead + w.others + w.tail
}

var eagerWays = ways{
	others: "in an ORM: select_related/prefetch_related (Django), selectinload (SQLAlchemy), includes (Rails), include (Prisma, Sequelize), JOIN FETCH (Hibernate), Preload (GORM).",
	mappers: map[mapper]string{
		django:       "in Django, as this looks: select_related for the one, prefetch_related for the many.",
		sqlAlchemy:   "in SQLAlchemy, as this looks: options(selectinload(…)) or joinedload, or lazy=\"raise\" to find them.",
		activeRecord: "in Rails, as this looks: includes or preload, and strict_loading to find them.",
		hibernate:    "in Hibernate, as this looks: JOIN FETCH, @EntityGraph or @BatchSize (hibernate.default_batch_fetch_size).",
		prisma:       "in Prisma, as this looks: include, and relationLoadStrategy \"join\" with the preview feature relationJoins.",
		sequelize:    "in Sequelize, as this looks: include.",
		typeORM:      "in TypeORM, as this looks: relations, or leftJoinAndSelect.",
		gorm:         "in GORM, as this looks: Preload or Joins.",
		laravel:      "in Laravel, as this looks: with(…), and Model::preventLazyLoading() to find them.",
	},
}

var insertWays = ways{
	lead:   "Use COPY, or INSERT with many rows (VALUES lists, unnest) of some 1,000 each; at least one transaction for many rows and the driver's pipelining or batch ",
	others: "(psycopg executemany/copy, JDBC reWriteBatchedInserts, bulk_create, insert_all, pgx SendBatch/CopyFrom).",
	drivers: map[driver]string{
		nodePg:   "(node-postgres, as this looks: one INSERT … SELECT from unnest($1::int[], …) with arrays, or pg-copy-streams).",
		jdbc:     "(JDBC: addBatch with reWriteBatchedInserts=true, or CopyManager; Hibernate: hibernate.jdbc.batch_size).",
		psycopg3: "(psycopg 3: executemany, which pipelines, or cursor.copy).",
		asyncpg:  "(asyncpg: copy_records_to_table or executemany).",
		pgx:      "(pgx: CopyFrom or SendBatch).",
		libpqGo:  "(lib/pq: Prepare of COPY … FROM STDIN in a transaction, and Exec for each row).",
		npgsql:   "(Npgsql: BeginBinaryImport or NpgsqlBatch).",
		dbdPg:    "(DBD::Pg: AutoCommit off and pg_putcopydata).",
		pdo:      "(PDO: beginTransaction, and Pdo\\Pgsql::copyFromArray).",
	},
	mappers: map[mapper]string{
		django:       "(Django, as this looks: bulk_create with batch_size, and transaction.atomic).",
		sqlAlchemy:   "(SQLAlchemy, as this looks: session.execute(insert(…), [rows]), which uses insertmanyvalues from 2.0 on).",
		activeRecord: "(Rails, as this looks: insert_all, or a transaction around the loop).",
		hibernate:    "(Hibernate, as this looks: hibernate.jdbc.batch_size with reWriteBatchedInserts=true; sequences, not IDENTITY).",
		prisma:       "(Prisma, as this looks: createMany).",
		sequelize:    "(Sequelize, as this looks: bulkCreate).",
		gorm:         "(GORM, as this looks: CreateInBatches).",
	},
}

var reparseWays = ways{
	lead:   "Prepare once for each connection and keep the statement: ",
	others: "db.Prepare outside of the loop (Go), prepare before the loop (DBI, PDO), named queries (node-pg name:), prepareThreshold (JDBC, psycopg 3), statement_cache (pgx, asyncpg).",
	drivers: map[driver]string{
		nodePg:   "a name in the query, { name, text, values } (node-postgres, as this looks).",
		jdbc:     "prepareThreshold (JDBC; 5 by default, and 0 turns it off) with the same PreparedStatement or preparedStatementCacheQueries.",
		psycopg3: "prepare_threshold (psycopg 3; 5 by default), or execute(…, prepare=True).",
		asyncpg:  "statement_cache_size (asyncpg; 0 turns it off).",
		pgx:      "default_query_exec_mode=cache_statement (pgx; exec and simple_protocol prepare nothing).",
		libpqGo:  "db.Prepare outside of the loop (lib/pq, which prepares for each query with arguments), or pgx, which keeps statements.",
		npgsql:   "Max Auto Prepare (Npgsql; 0, the default, turns it off), or Prepare.",
		dbdPg:    "prepare or prepare_cached before the loop (DBI), and no pg_prepare_now for statements that are used once.",
		pdo:      "prepare before the loop (PDO); PGSQL_ATTR_DISABLE_PREPARES where each is used once, which binds without preparing.",
	},
}

var leakWays = ways{
	lead:   "One name for one text, closed or kept in a bounded cache ",
	others: "(node-pg: a constant name; pgx and JDBC have caches of 512 and 256; Stmt.Close in Go).",
	drivers: map[driver]string{
		nodePg:   "(node-postgres, as this looks: a constant name for each text; it closes none).",
		jdbc:     "(JDBC: close PreparedStatements, or preparedStatementCacheQueries, 256 by default).",
		pgx:      "(pgx: statement_cache_capacity, 512 by default; Deallocate what Prepare made).",
		psycopg3: "(psycopg 3: prepared_max, 100 by default).",
		asyncpg:  "(asyncpg: statement_cache_size, 100 by default).",
		npgsql:   "(Npgsql: Max Auto Prepare; Unprepare or dispose of commands).",
		dbdPg:    "(DBI: finish and destroy statement handles, prepare_cached).",
		pdo:      "(PDO: unset statements that are done with).",
	},
	mappers: map[mapper]string{activeRecord: "(Rails, as this looks: statement_limit in database.yml, 1000 by default, or prepared_statements: false)."},
}

var fetchWays = ways{
	lead:   "Fetch 1,000 rows or more at a time: ",
	others: "setFetchSize (JDBC; spring.jpa/hibernate.jdbc.fetch_size), itersize (psycopg2), stream/fetchmany size (psycopg 3, SQLAlchemy yield_per), cursor.read(n) (node), arraysize, FETCH 1000.",
	drivers: map[driver]string{
		nodePg:   "read(n) of pg-cursor, or batchSize of pg-query-stream (node-postgres, as this looks; 100 by default).",
		jdbc:     "setFetchSize or defaultRowFetchSize (JDBC), hibernate.jdbc.fetch_size, spring.jpa.properties.hibernate.jdbc.fetch_size.",
		asyncpg:  "prefetch of cursor() (asyncpg; 50 by default).",
		psycopg3: "itersize of a server cursor (psycopg 3; 100 by default).",
	},
	mappers: map[mapper]string{
		django:     "iterator(chunk_size=…) (Django, as this looks).",
		sqlAlchemy: "yield_per (SQLAlchemy, as this looks).",
	},
}

var planWays = ways{
	lead:   "SET plan_cache_mode = force_custom_plan for this role or statement; or ",
	tail:   ", a partial index or better statistics for the skewed column.",
	others: "prepareThreshold=0 (JDBC), prepare_threshold=None (psycopg)",
	drivers: map[driver]string{
		jdbc:     "prepareThreshold=0 (JDBC)",
		psycopg3: "prepare_threshold=None (psycopg 3)",
		asyncpg:  "statement_cache_size=0 (asyncpg)",
		pgx:      "default_query_exec_mode=exec (pgx)",
		npgsql:   "Max Auto Prepare=0 (Npgsql)",
		pdo:      "PGSQL_ATTR_DISABLE_PREPARES (PDO)",
	},
	mappers: map[mapper]string{activeRecord: "prepared_statements: false (Rails, as this looks)"},
}

var timeoutWays = ways{
	lead:   "A client-side timeout ",
	tail:   " ends queries that are then asked again: make the query faster or the timeout longer than its time.",
	others: "(setQueryTimeout, context deadline, CommandTimeout)",
	drivers: map[driver]string{
		nodePg:  "(node-postgres, as this looks: query_timeout)",
		jdbc:    "(JDBC: setQueryTimeout; Spring: spring.transaction.default-timeout)",
		pgx:     "(pgx: the context's deadline)",
		libpqGo: "(lib/pq: the context's deadline)",
		npgsql:  "(Npgsql: Command Timeout, 30 s by default)",
		asyncpg: "(asyncpg: timeout, command_timeout)",
	},
}
