package tracker

import (
	"reflect"
	"testing"

	"github.com/pgsniff/pgsniff/internal/friend"
)

// TestRequestSize: what callers reckon with is what a request takes.
func TestRequestSize(t *testing.T) {
	if size := reflect.TypeFor[pending]().Size(); size != friend.RequestSize {
		t.Errorf("an outstanding request takes %d bytes, RequestSize says %d", size, friend.RequestSize)
	}
}
