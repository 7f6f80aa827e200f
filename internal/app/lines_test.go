package app

import (
	"testing"
	"unsafe"

	"github.com/pgsniff/pgsniff/internal/linetest"
)

func TestLines(t *testing.T) {
	linetest.Whole(t, map[string]uintptr{
		"run":   unsafe.Sizeof(run{}),
		"views": unsafe.Sizeof(views{}),
	})
}
