// Package inside leads what servers read and wrote themselves (package attach) to
// the analyzer, as connections of their own or, where their packets are captured,
// too, as the plaintext of these.
package inside
