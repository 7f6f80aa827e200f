// Package check compares a capture with budgets, for tests that are to fail when a
// program asks too much of the database.
package check
