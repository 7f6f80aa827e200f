// Package conversation writes the bytes of PostgreSQL conversations for tests:
// what a frontend and a backend say to each other, in a small language.
//
// A script has a line for what one side sends at once, its messages separated
// by semicolons between blanks:
//
//	F: Parse s1 "SELECT $1" 23 ; Bind "" s1 42 ; Execute "" ; Sync
//	+2ms
//	B: ParseComplete ; BindComplete ; Row 42 ; Complete "SELECT 1" ; Ready I
//	B: gap 100
//
// Words are separated by blanks; quoted ones are Go strings. A line that begins
// with + lets time pass; each line is a packet of its own. Names of messages are
// those of the manual, some shortened: see the table in messages.go.
//
// It is for tests: no package of the program imports it.
package conversation
