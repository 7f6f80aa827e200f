package client

import (
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// A base backup: results before and after the archives, which go on until Ready.
func TestBaseBackup(t *testing.T) {
	onServers(t, func(t *testing.T, s *pgtest.Server) {
		c := New(Config{User: s.SuperUser, Database: "postgres", Parameters: map[string]string{"replication": "true"}})
		conn, _ := login(t, s, c)
		request, err := c.DoSimpleQuery("BASE_BACKUP (LABEL 'x', CHECKPOINT 'fast', MANIFEST 'no')")
		if err != nil {
			t.Fatal(err)
		}
		archives, rows, bytes, complete := 0, 0, 0, 0
		for e, err := range c.Run(conn, request) {
			if err != nil {
				t.Fatal(err)
			}
			switch e := e.(type) {
			case *CopyOut:
				archives++
			case *CopyData:
				bytes += len(e.Data)
			case *Row:
				rows++
			case *CommandComplete:
				complete++
			case *ServerError:
				t.Fatal(e)
			}
		}
		if !c.IsReady() || archives < 1 || rows < 2 || bytes < 1<<20 || complete < 1 {
			t.Errorf("%v after %d archives of %d bytes, %d rows, %d commands", c.State(), archives, bytes, rows, complete)
		}
	})
}
