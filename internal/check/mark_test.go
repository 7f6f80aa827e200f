package check

import "testing"

// TestMarkIsSafe holds that odd comments are no marks and do no harm.
func TestMarkIsSafe(t *testing.T) {
	for _, sql := range []string{"/*/", "/*", "/**/", "--", "-", "/", "select 1 /*/ test: x", "/*/*/", "--\n/*/"} {
		if name, _ := mark([]byte(sql), false); name != "" {
			t.Errorf("%q: %q", sql, name)
		}
	}
	if name, alone := mark([]byte("/* test: a */"), false); name != "a" || !alone {
		t.Errorf("%q %v", name, alone)
	}
}
