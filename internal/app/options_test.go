package app

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestFeatures holds that the flags of each feature stand alone: they can be declared and
// are found right without those of any other, and no two features declare the same.
func TestFeatures(t *testing.T) {
	declared := map[string]int{}
	for i, f := range new(Options).features() {
		cmd := &cobra.Command{}
		f.add(cmd)
		if n, ok := f.(noticing); ok {
			n.notice(cmd.Flags().Changed)
		}
		if err := f.check(); err != nil {
			t.Errorf("%T: %v", f, err)
		}
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			if other, taken := declared[flag.Name]; taken {
				t.Errorf("--%s is declared by features %d and %d", flag.Name, other, i)
			}
			declared[flag.Name] = i
		})
	}
	cmd := &cobra.Command{}
	new(Options).add(cmd)
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if _, ok := declared[flag.Name]; !ok && flag.Name != "config" {
			t.Errorf("--%s belongs to no feature", flag.Name)
		}
	})
}

// TestGoroutines holds who decides how many goroutines there are.
func TestGoroutines(t *testing.T) {
	work := &workFlags{Workers: 3}
	for _, c := range []struct {
		kept    keptFlags
		reloads bool
		want    int
	}{
		{want: 3},
		{kept: keptFlags{write: "f"}, want: 3},
		{kept: keptFlags{write: "f", matching: true}, want: 1},
		{kept: keptFlags{write: "f", rotateSize: "1M"}, want: 1},
		{kept: keptFlags{write: "f", embedKeys: true}, want: 1},
		{reloads: true, want: 1},
	} {
		if got := work.workers(&c.kept, newAgent(new(choiceFlags), c.reloads)); got != c.want {
			t.Errorf("%+v: %d goroutines, want %d", c, got, c.want)
		}
	}
}
