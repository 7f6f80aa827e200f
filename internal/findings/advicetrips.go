package findings

// Ways of those who ask too often, or keep what others wait for.

var bindWays = ways{
	lead:   "Bind parameters ($1) instead of building texts",
	others: "; psycopg2, Django on it, PHP's pg_query, node sequelize and pgbench's simple protocol put them in on their own side: use psycopg 3, pg_query_params, bind, or --protocol=prepared.",
	drivers: map[driver]string{
		nodePg:   ": $1 and values (node-postgres, as this looks).",
		jdbc:     ": PreparedStatement with ? and setObject (JDBC).",
		psycopg3: ": execute(…, parameters) with the usual cursors, not ClientCursor (psycopg 3).",
		asyncpg:  ": $1 and arguments (asyncpg).",
		pgx:      ": $1 and arguments, and default_query_exec_mode other than simple_protocol (pgx).",
		libpqGo:  ": $1 and arguments (lib/pq).",
		npgsql:   ": $1 and NpgsqlParameter (Npgsql).",
		pdo:      ": prepare and execute, with PDO::ATTR_EMULATE_PREPARES false (PDO).",
		dbdPg:    ": placeholders in prepare, and pg_server_prepare on (DBD::Pg).",
	},
	mappers: map[mapper]string{
		django:       "; Django, as this looks, puts them in on its own side: psycopg 3 with server_side_binding in OPTIONS (4.2 and later).",
		sqlAlchemy:   "; SQLAlchemy, as this looks: postgresql+psycopg or postgresql+asyncpg, since psycopg2 puts them in on its own side.",
		activeRecord: "; Rails, as this looks: where(column: value) binds, fragments of SQL with ? do not; prepared_statements: true.",
		sequelize:    "; Sequelize, as this looks, puts them in on its own side: bind in queries of your own.",
		hibernate:    "; Hibernate, as this looks: setParameter.",
		laravel:      "; Laravel, as this looks: bindings, with PDO::ATTR_EMULATE_PREPARES false in options.",
	},
}

var tripWays = ways{
	lead:   "Ask for more in one trip: pipelining or a batch ",
	others: "(psycopg pipeline, pgx SendBatch, JDBC batches)",
	tail:   ", one statement or function for the unit of work; or move the program to the server's side.",
	drivers: map[driver]string{
		jdbc:     "(JDBC: addBatch and executeBatch)",
		psycopg3: "(psycopg 3: connection.pipeline())",
		pgx:      "(pgx: SendBatch)",
		libpqGo:  "(lib/pq has none: SendBatch of pgx)",
		npgsql:   "(Npgsql: NpgsqlBatch)",
		asyncpg:  "(asyncpg: executemany for one statement)",
	},
}

var pingWays = ways{
	lead:   "Test connections only after some idle time ",
	others: "(pool_pre_ping off with pool_recycle, HikariCP's own isValid, testOnBorrow with an interval).",
	drivers: map[driver]string{
		jdbc: "(JDBC: HikariCP without connectionTestQuery, testOnBorrow with validationInterval).",
	},
	mappers: map[mapper]string{
		django:     "(Django, as this looks: CONN_HEALTH_CHECKS off where nothing cuts idle connections).",
		sqlAlchemy: "(SQLAlchemy, as this looks: pool_pre_ping=False with pool_recycle below what cuts idle connections).",
	},
}

var settingWays = ways{
	lead: "Settings belong into ALTER ROLE … SET or the startup parameters (options), not before each query.",
	drivers: map[driver]string{
		npgsql: " DISCARD ALL is sent by Npgsql's pool: No Reset On Close=true where programs leave no settings behind.",
	},
}

var readWays = ways{
	lead:   "Single reads need no transaction: ",
	others: "autocommit, or a longer unit of work.",
	drivers: map[driver]string{
		jdbc:     "setAutoCommit(true) (JDBC), or a longer unit of work.",
		psycopg3: "autocommit=True (psycopg 3), or a longer unit of work.",
	},
	mappers: map[mapper]string{
		sqlAlchemy: "isolation_level=\"AUTOCOMMIT\" (SQLAlchemy, as this looks), or a longer unit of work.",
	},
}

var idleWays = ways{
	lead:   "Call nothing outside (HTTP, queues, people) between BEGIN and COMMIT: commit first, or do the work before; idle_in_transaction_session_timeout as a net. ",
	others: "Frameworks that begin for each request (ATOMIC_REQUESTS, @Transactional, autocommit off) hold it open all the time.",
	drivers: map[driver]string{
		jdbc:     "JDBC: setAutoCommit(true) outside of units of work; Spring: @Transactional around the writes, not around calls to others.",
		psycopg3: "psycopg 3 begins with the first statement: autocommit=True, and with connection.transaction() around what belongs together.",
		npgsql:   "Npgsql: dispose of the transaction before other work, and begin it after.",
		pgx:      "pgx: what BeginFunc calls should call nothing but the database.",
	},
	mappers: map[mapper]string{
		django:       "Django, as this looks: atomic() around the writes in place of ATOMIC_REQUESTS, on_commit for the rest.",
		sqlAlchemy:   "SQLAlchemy, as this looks, begins with the first statement: session.commit() before other work, or isolation_level=\"AUTOCOMMIT\" for reading.",
		activeRecord: "Rails, as this looks: after_commit in place of after_save for jobs and calls.",
		hibernate:    "Hibernate, as this looks: @Transactional around the writes, not around calls to others.",
		prisma:       "Prisma, as this looks: $transaction([…]) in place of an interactive one, or less inside of it.",
	},
}

var poolWays = ways{
	lead:   "Keep connections: ",
	others: "a pool in the program, persistent connections (pg_pconnect, CONN_MAX_AGE), or PgBouncer in front.",
	tail:   " Each connection costs the server a process and, with SCRAM, thousands of hash rounds on both sides.",
	drivers: map[driver]string{
		nodePg:   "one Pool for the program in place of Clients (node-postgres, as this looks), or PgBouncer in front.",
		jdbc:     "a pool (JDBC: HikariCP, or another DataSource that pools), or PgBouncer in front.",
		psycopg3: "ConnectionPool of psycopg_pool (psycopg 3), or PgBouncer in front.",
		asyncpg:  "create_pool (asyncpg), or PgBouncer in front.",
		pgx:      "pgxpool in place of pgx.Connect (pgx), or PgBouncer in front.",
		libpqGo:  "one sql.DB for the program, and SetMaxIdleConns above its 2 (lib/pq), or PgBouncer in front.",
		npgsql:   "Pooling=true, the default, and one connection string for all (Npgsql), or PgBouncer in front.",
		pdo:      "PDO::ATTR_PERSISTENT (PDO), or PgBouncer in front.",
	},
	mappers: map[mapper]string{
		django:     "CONN_MAX_AGE, 0 by default, or from 5.1 on pool in OPTIONS (Django, as this looks), or PgBouncer in front.",
		sqlAlchemy: "the usual QueuePool in place of NullPool, and one engine for the program (SQLAlchemy, as this looks), or PgBouncer in front.",
		prisma:     "one PrismaClient for the program (Prisma, as this looks), or PgBouncer in front.",
		sequelize:  "one Sequelize for the program, whose pool keeps them (Sequelize, as this looks), or PgBouncer in front.",
		laravel:    "PDO::ATTR_PERSISTENT in options (Laravel, as this looks), or PgBouncer in front.",
	},
}
