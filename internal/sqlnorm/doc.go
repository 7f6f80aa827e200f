// Package sqlnorm groups SQL statements that differ in their constants only.
//
// [Append] writes a statement's normalised text in one pass over its bytes,
// following PostgreSQL's own lexical rules (manual: "Lexical Structure"):
//
//   - every constant becomes a parameter: strings in all their forms, numbers
//     with their sign, true, false and null. The ordinals of ORDER BY and GROUP BY
//     and the modifiers of types are no constants, and neither are labels. Statements of every kind are
//     treated so, utility statements and their passwords included;
//   - parameters that the statement has keep their numbers, and the new ones
//     start after the highest of them, as pg_stat_statements numbers them;
//   - in the list of an IN, in an ARRAY constructor and among the rows of a
//     VALUES, neighbours that differ in their constants only are written once
//     and followed by an ellipsis: "in ($1, ...)", "values ($1, $2), ...". A
//     list of one element stays as it is, as in PostgreSQL 18. A statement with
//     such a list has all its parameters numbered in order of appearance,
//     because otherwise the length of the list would show in those after it;
//   - comments are dropped, white space is canonical, words that are not quoted
//     are in lower case (keywords too: which words are keywords depends on the
//     server's version), quoted identifiers stay exactly as they are, and so do
//     operators and casts. Empty statements and the last semicolon are dropped.
//
// Normalised text is a fixed point: normalising it again changes nothing. A
// statement that was cut off anywhere, inside a string too, loses no secret: an
// unterminated constant reaches to the end of the text.
//
// [Fingerprint] names a group by 64 bits, [Operation] says which command a
// statement is, and [Redact] serves those who show SQL as it was sent: it
// replaces nothing but passwords.
//
// Nothing here allocates, except to grow the destination, and every function
// takes time in proportion to the length of its input, whatever that is.
//
// What it does not do: it does not parse. Two spellings of one meaning ("<>" and
// "!=", CAST and "::", a quoted and an unquoted name) are two texts here, while
// pg_stat_statements, which compares parse trees, sees one. It takes
// standard_conforming_strings to be on, as it has been by default since PostgreSQL 9.1,
// unless it is told otherwise ([AppendIn], [Redactor]).
package sqlnorm
