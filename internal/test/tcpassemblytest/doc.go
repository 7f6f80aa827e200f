// Package tcpassemblytest holds the differential tests of pkg/reassembly
// against gopacket's tcpassembly package. They are apart because tcpassembly
// and gopacket's reassembly, which the other tests use, define the same
// command line flags and cannot be linked together.
package tcpassemblytest
