//go:build linux

package live

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/pkg/client"
)

// walsender takes base backups over a replication connection, as pg_basebackup does.
type walsender struct {
	*client.Client
	t    *testing.T
	conn net.Conn
}

func dialWalsender(t *testing.T, s *pgtest.Server) *walsender {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort(s.Host, portOf(s)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	w := &walsender{client.New(client.Config{User: s.SuperUser, Parameters: map[string]string{"replication": "true"}}), t, conn}
	w.run(nil)(w.DoStartup())
	return w
}

// run sends a request and hands its events on, up to Ready or CopyIn.
func (w *walsender) run(handle func(client.Event)) func(request []byte, err error) {
	return func(request []byte, err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
		for e, err := range w.Run(w.conn, request) {
			if err != nil {
				w.t.Fatal(err)
			}
			switch e := e.(type) {
			case *client.ServerError:
				w.t.Fatal(e)
			case *client.CopyIn:
				return
			}
			if handle != nil {
				handle(e)
			}
		}
	}
}

// received is an archive or the manifest as it came.
type received struct {
	name string
	data []byte
}

// backup runs BASE_BACKUP (manual: "Streaming Replication Protocol").
func (w *walsender) backup(sql string) (list []received) {
	w.t.Helper()
	w.run(func(e client.Event) {
		d, ok := e.(*client.CopyData)
		if !ok {
			return
		}
		switch body := d.Data[1:]; d.Data[0] {
		case 'n':
			name, _, _ := bytes.Cut(body, []byte{0})
			list = append(list, received{name: string(name)})
		case 'm':
			list = append(list, received{name: "backup_manifest"})
		case 'd':
			list[len(list)-1].data = append(list[len(list)-1].data, body...)
		}
	})(w.DoSimpleQuery(sql))
	return list
}

// backupRecord is what the record of a command says of it.
type backupRecord struct {
	Complete bool
	Command  struct {
		Name    string
		Options map[string]string
	}
	Copy struct {
		Direction string
		Bytes     uint64
	}
	BaseBackup struct {
		Archives []struct {
			Name  string
			Bytes int
		}
		Bytes int
	} `json:"base_backup"`
}

// TestIncrementalBackup has a server make an incremental backup (manual: "Making an
// Incremental Backup"): the manifest that is uploaded and each archive have the sizes
// with which they were sent and came.
func TestIncrementalBackup(t *testing.T) {
	needCapture(t)
	s := pgtest.Start(t, pgtest.WithVersion(18), pgtest.WithConf("summarize_wal", "on"))
	s.Exec(t, "CREATE TABLE big AS SELECT i, repeat('x', 500) AS t FROM generate_series(1, 20000) i")
	p := start(t, "", "live", "-i", "lo", "--port", portOf(s), "--json", "--view", "queries,connections")
	w := dialWalsender(t, s)
	full := w.backup("BASE_BACKUP ( LABEL 'full', PROGRESS, CHECKPOINT 'fast', MANIFEST 'yes' )")
	manifest := full[len(full)-1].data
	s.Exec(t, "UPDATE big SET t = repeat('y', 500) WHERE i = 7")
	w.run(nil)(w.DoSimpleQuery("UPLOAD_MANIFEST"))
	var data []byte
	for rest := manifest; len(rest) > 0; {
		n := min(len(rest), 30000)
		part, err := w.DoCopyData(rest[:n])
		if err != nil {
			t.Fatal(err)
		}
		data, rest = append(data, part...), rest[n:]
	}
	done, err := w.DoCopyDone()
	w.run(nil)(append(data, done...), err)
	incremental := w.backup("BASE_BACKUP ( LABEL 'incremental', PROGRESS, CHECKPOINT 'fast', MANIFEST 'yes', INCREMENTAL )")
	bye, _ := w.DoTerminate()
	_, _ = w.conn.Write(bye)
	_ = w.conn.Close()

	// What the server made of it.
	if n := incrementalFiles(t, incremental[0].data); n == 0 || len(incremental[0].data) >= len(full[0].data) {
		t.Fatalf("no incremental backup: %d such files, %d bytes of %d", n, len(incremental[0].data), len(full[0].data))
	}
	p.waitFor("the end of the connection", 30*time.Second, func() bool {
		return strings.Contains(p.stdout.String(), `"type":"connection"`) && strings.Contains(p.stdout.String(), `"incremental"`)
	})
	p.signal(syscall.SIGINT)
	var records []backupRecord
	for line := range strings.Lines(p.stdout.String()) {
		if strings.Contains(line, `"type":"query"`) && strings.Contains(line, `"command":`) {
			var q backupRecord
			if err := json.Unmarshal([]byte(line), &q); err != nil {
				t.Fatal(err)
			}
			records = append(records, q)
		}
	}
	if len(records) != 3 {
		t.Fatalf("%d commands of 3:\n%s", len(records), p.stdout)
	}
	checkBackup(t, &records[0], "full", full)
	checkBackup(t, &records[2], "incremental", incremental)
	if u := &records[1]; !u.Complete || u.Command.Name != "UPLOAD_MANIFEST" || u.Copy.Direction != "in" || u.Copy.Bytes != uint64(len(manifest)) {
		t.Errorf("upload: %+v, of %d bytes", u, len(manifest))
	}
}

func checkBackup(t *testing.T, q *backupRecord, label string, want []received) {
	t.Helper()
	options := map[string]string{"label": label, "progress": "true", "checkpoint": "fast", "manifest": "yes"}
	if label == "incremental" {
		options["incremental"] = "true"
	}
	if !q.Complete || q.Command.Name != "BASE_BACKUP" || !reflect.DeepEqual(q.Command.Options, options) {
		t.Errorf("%s: %+v", label, q.Command)
	}
	sum := 0
	for i, a := range q.BaseBackup.Archives {
		if i >= len(want) || a.Name != want[i].name || a.Bytes != len(want[i].data) {
			t.Errorf("%s: archive %d: %+v", label, i, a)
		}
		sum += a.Bytes
	}
	if len(q.BaseBackup.Archives) != len(want) || len(want) != 2 || sum != q.BaseBackup.Bytes {
		t.Errorf("%s: %+v, %d came", label, q.BaseBackup, len(want))
	}
}

// incrementalFiles counts the files of an archive that hold changed blocks only.
func incrementalFiles(t *testing.T, archive []byte) (n int) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(filepath.Base(h.Name), "INCREMENTAL.") {
			n++
		}
	}
}
