// Package parquet writes tables of a flat schema as Apache Parquet files, which
// DuckDB, ClickHouse, Polars and Spark read. Rows come one after another, column by
// column; a row group is written when it is large enough, so memory is bounded and
// what was written is a whole file as soon as Close has been called.
//
// It writes what those programs all read: format version 1 data pages, compressed
// with Zstandard; strings with a dictionary as long as that is small; nulls where a
// column has no value in a row; lists of strings in three levels. It does not read.
//
// A library does the same and much more, for 9 MB of binary; this is some 30 kB.
package parquet
