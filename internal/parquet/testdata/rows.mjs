// Prints the rows of a Parquet file as JSON, one a line, as DuckDB reads them.
import { createRequire } from "node:module";
const require = createRequire(process.env.PGSNIFF_NODE_MODULES + "/");
const { DuckDBInstance } = require("@duckdb/node-api");
const db = await (await DuckDBInstance.create(":memory:")).connect();
const rows = await db.runAndReadAll(process.argv[2]);
for (const row of rows.getRowObjectsJson()) console.log(JSON.stringify(row));
