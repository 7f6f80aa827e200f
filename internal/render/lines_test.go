package render

import (
	"testing"
	"unsafe"

	"github.com/pgsniff/pgsniff/internal/test/linetest"
)

func TestLines(t *testing.T) {
	linetest.Whole(t, map[string]uintptr{
		"Pipe":   unsafe.Sizeof(Pipe{}),
		"Output": unsafe.Sizeof(Output{}),
	})
}
