// Package value prints the wire values of PostgreSQL's types as the server
// itself would: Append turns a value in binary format, as DataRow and Bind carry
// it, into the text that the type's output function gives.
//
// Every type with a fixed OID that has a binary form is known, with arrays,
// ranges, multiranges and rows of them. Types whose OIDs differ from one
// database to the next (enums, extensions' types, a table's row type) cannot be
// told from their OID; AppendUnknown prints those of them whose bytes leave no
// doubt.
//
// The text is that of a session with default settings: DateStyle ISO,
// IntervalStyle postgres, bytea_output hex, extra_float_digits 1, lc_monetary C
// and, unless Session names another, time zone UTC. Names that only a catalog
// knows stay numbers: a regclass prints as the OID that it is.
//
// # Safety
//
// Values come from captures and may be anything. Lengths are checked before use,
// recursion and the size of the text are bounded, and a value that does not have
// its type's format is refused as a whole. Text types are the exception: their
// bytes are passed on as they are, and whether they are UTF-8 (which depends on
// client_encoding) is for the caller to check.
//
// Nothing is kept between calls and nothing but dst is allocated, except for a
// tsquery of more than 64 terms and operators.
package value
