// Stands for DuckDB's command line in the tests of the pages: duckdb -csv -c SQL.
const { DuckDBInstance } = require('@duckdb/node-api')

const cell = (v) => {
  if (v === null) return 'NULL'
  const s = typeof v === 'string' ? v : JSON.stringify(v)
  return /[",\n]/.test(s) ? '"' + s.replaceAll('"', '""') + '"' : s
}

async function main([format, flag, sql]) {
  if (format !== '-csv' || flag !== '-c') throw new Error('only -csv -c SQL is known here')
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const statements = await connection.extractStatements(sql)
  for (let i = 0; i < statements.count; i++) {
    // A pipe can be read once only, but preparing a statement reads it already.
    const result = statements.count === 1 ? await connection.runAndReadAll(sql) : await (await statements.prepare(i)).runAndReadAll()
    if (i + 1 < statements.count) continue
    console.log(result.columnNames().join(','))
    for (const row of result.getRowsJson()) console.log(row.map(cell).join(','))
  }
}

main(process.argv.slice(2)).catch((e) => { console.error(e.message); process.exit(1) })
