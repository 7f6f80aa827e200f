// Package sqltext reads SQL as PostgreSQL's scanner does (manual: "Lexical Structure";
// src/backend/parser/scan.l and parser.c): for all that look into SQL this is the only
// scanner.
//
// [Lexer] cuts a text into tokens and, with [Lexer.Command], a string of commands into
// commands. [Settings.Read] says what a command does with the names of prepared
// statements and cursors, where the names are those that the server makes of what is
// written: folded to lower case, without quotes and escapes, and no longer than it lets
// names be.
//
// Nothing here allocates, but for names, and everything takes time in proportion to the
// length of the text, whatever that is. It does not parse: a text that the server refuses
// may be read as a command, so what is read counts only where the server is known to have
// done it, or may have.
//
// What replication connections say beside SQL is a language of its own, with a scanner
// of its own (pkg/replication).
package sqltext
