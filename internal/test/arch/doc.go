// Package arch holds the rules by which the packages of this module may import
// each other, as a test. It has no code: its test asks the go command what is
// imported, so that ARCHITECTURE.md stays true.
package arch
