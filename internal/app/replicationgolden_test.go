package app

import "testing"

// TestReplicationGoldens compares what is shown of replication with files beside the
// captures. The changes of large ones are left to TestChangesTruth, which has
// each row from another decoder.
func TestReplicationGoldens(t *testing.T) {
	for _, g := range []struct {
		name string
		big  bool
	}{
		{"logical_pg15_to_pg18", true},
		{"midstream_copyboth", false},
		{"pg19rc1_logical", false},
		{"pg19rc1_stream2pc", true},
		{"receivewal", false},
	} {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			file := replicationPath(g.name, "")
			views, rows := "queries,connections,stats", "5"
			if !g.big {
				views, rows = views+",changes", "100000"
			}
			compare(t, "../replication/"+g.name+".txt", output(t, "read", file, "--time", "utc", "--view", "messages", "--rows", rows))
			compare(t, "../replication/"+g.name+".jsonl", output(t, "read", file, "--json", "--view", views))
		})
	}
}
