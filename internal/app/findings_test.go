package app

import (
	"path/filepath"
	"testing"
)

// illnesses are the captures of sick and healthy applications.
func illnesses(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/illness/*.pcap.xz")
	if err != nil || len(files) < 50 {
		t.Fatal("captures are missing", err)
	}
	return files
}
