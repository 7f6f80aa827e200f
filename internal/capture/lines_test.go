package capture

import (
	"testing"
	"unsafe"

	"github.com/pgsniff/pgsniff/internal/test/linetest"
)

func TestLines(t *testing.T) {
	linetest.Whole(t, map[string]uintptr{
		"Files":        unsafe.Sizeof(Files{}),
		"openFile":     unsafe.Sizeof(openFile{}),
		"window":       unsafe.Sizeof(window{}),
		"pcapReader":   unsafe.Sizeof(pcapReader{}),
		"pcapngReader": unsafe.Sizeof(pcapngReader{}),
	})
}
