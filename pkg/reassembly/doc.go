// Package reassembly puts the TCP segments of a capture together to the byte
// streams that the receivers saw (RFC 9293). See Assembler.
package reassembly
