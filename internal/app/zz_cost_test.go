package app

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/flow"
)

func TestZZCost(t *testing.T) {
	f, err := os.Open(os.Getenv("ZZ_FILE"))
	if err != nil {
		t.Skip()
	}


	if os.Getenv("ZZ_TOP") != "" {
		screenData(t, true, f)
		return
	}
	env := &Env{In: f, Out: io.Discard, Err: io.Discard, Now: time.Now, Width: func() int { return 0 }, Getenv: func(string) string { return "" }}
	root := newRoot(env)
	root.SetArgs([]string{"read", "-", "--view", "stats"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
}

func zzHistory() *flow.History {
	if os.Getenv("ZZ_TOP") == "" {
		return nil
	}
	return flow.NewHistory(historySize)
}
