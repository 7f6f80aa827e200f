package app

import (
	"testing"
	"unsafe"

	"github.com/pgsniff/pgsniff/internal/test/linetest"
)

func TestLines(t *testing.T) {
	linetest.Whole(t, map[string]uintptr{
		"run":    unsafe.Sizeof(run{}),
		"fanned": unsafe.Sizeof(fanned{}),
	})
}
