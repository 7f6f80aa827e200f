// Package capture turns captured packets into what was said in them: an iterator of
// queries, connections and, where wanted, messages.
//
//	for r, err := range capture.Files(capture.Options{}, "app.pcapng") {
//		if err != nil {
//			return err
//		}
//		if q, ok := r.(*capture.Query); ok {
//			fmt.Println(q.Duration, q.Rows, q.SQL)
//		}
//	}
//
// It is the way of the program pgsniff, with all that this reads: pcap and pcapng,
// compressed or not, its link types, tunnels and fragments, TCP with losses, and TLS
// where there are keys. Packets takes any of gopacket's packet sources instead.
//
// # Memory
//
// Records belong to the program: nothing in them is borrowed or used again. What is
// kept meanwhile is bounded as in pgsniff, whatever the capture holds.
//
// # Secrets
//
// Passwords, keys and what else is known to be a secret are not in the records
// unless Options.ShowSecrets is set.
//
// # What it does not do
//
// It is made for convenience: each record takes a few allocations. Who needs every
// row of a fast connection uses packages reassembly and session, on which it stands.
package capture
