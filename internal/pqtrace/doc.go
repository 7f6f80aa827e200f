// Package pqtrace writes messages as libpq's own trace does (manual: "libpq",
// "Control Functions", PQtrace), in the form of version 19, so that a capture can be
// held against the trace of a driver's tests.
//
// A line has the time, the direction (F from the frontend, B from the backend), the
// value of the length field, the message's name and its fields. libpq writes local
// time to the microsecond; Append writes the time it is given.
//
// What libpq does not trace is written in the same manner: messages that a capture
// cuts off show the fields that are there.
package pqtrace
