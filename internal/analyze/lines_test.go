package analyze

import (
	"testing"
	"unsafe"

	"github.com/pgsniff/pgsniff/internal/test/linetest"
)

func TestLines(t *testing.T) {
	linetest.Whole(t, map[string]uintptr{
		"pipe":     unsafe.Sizeof(pipe{}),
		"sessions": unsafe.Sizeof(sessions{}),
	})
}
