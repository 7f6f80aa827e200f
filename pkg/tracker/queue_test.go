package tracker

import (
	"reflect"
	"testing"
)

// TestRequestSize: what callers reckon with is what a request takes.
func TestRequestSize(t *testing.T) {
	if size := reflect.TypeFor[pending]().Size(); size != RequestSize {
		t.Errorf("an outstanding request takes %d bytes, RequestSize says %d", size, RequestSize)
	}
}
