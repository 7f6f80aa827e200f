package session_test

import (
	"bytes"
	"maps"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/redact"
	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// What can be kept of a connection is large, and connections are left in every way
// they can be: together they may keep no more than the limits say. The test is over
// the product of the two, since what leaks is what nobody has thought of.

// blob is nearly the longest text of which all is kept.
const blob = 1000 << 10

// keptConnections are left behind with something large; all of it would be far
// above keptLimit.
const (
	keptConnections = 80
	keptLimit       = 56 << 20
)

type part struct {
	direction messages.Direction
	messages  []messages.Message
}

func front(m ...messages.Message) part { return part{messages.Frontend, m} }
func back(m ...messages.Message) part  { return part{messages.Backend, m} }

// long is a text that differs from connection to connection, so that nothing is kept
// once for all of them.
func long(i int, n int) []byte {
	b := bytes.Repeat([]byte("abcdefg "), n/8)
	copy(b, "select ")
	b[8], b[9], b[10] = 'a'+byte(i%26), 'a'+byte(i/26%26), 'a'+byte(i/676)
	return b
}

func reply(severity string, text []byte) []messages.ErrorField {
	return []messages.ErrorField{
		{Type: 'S', Value: []byte(severity)}, {Type: 'V', Value: []byte(severity)}, {Type: 'C', Value: []byte("XX000")}, {Type: 'M', Value: text},
	}
}

func failure(text []byte) messages.Message {
	m := new(messages.ErrorResponse)
	m.Fields = reply("ERROR", text)
	return m
}

func notice(text []byte) messages.Message {
	m := new(messages.NoticeResponse)
	m.Fields = reply("NOTICE", text)
	return m
}

func columns(i, n int) messages.Message {
	m := new(messages.RowDescription)
	for k := range n / 200 {
		name := long(i, 176)
		name[0] = byte('a' + k%26)
		m.Fields = append(m.Fields, messages.ColumnDescription{Name: name, TypeOID: 25, TypeSize: -1, TypeModifier: -1})
	}
	return m
}

func values(b ...[]byte) (v messages.Values) {
	for _, x := range b {
		v.Add(x)
	}
	return v
}

var (
	ready    = &messages.ReadyForQuery{Status: 'I'}
	complete = &messages.CommandComplete{Tag: []byte("SELECT 1")}
	query    = &messages.Query{SQL: []byte("select 1")}
)

// kept are the things that may be large.
var kept = map[string]func(i int) []part{
	"nothing":     func(int) []part { return []part{front(query)} },
	"query":       func(i int) []part { return []part{front(&messages.Query{SQL: long(i, blob)})} },
	"error":       func(i int) []part { return []part{front(query), back(failure(long(i, blob)))} },
	"notice":      func(i int) []part { return []part{front(query), back(notice(long(i, blob)))} },
	"description": func(i int) []part { return []part{front(query), back(columns(i, blob))} },
	"row": func(i int) []part {
		return []part{front(query), back(columns(i, 400), &messages.DataRow{Values: values(long(i, blob))})}
	},
	"copy": func(i int) []part {
		out := new(messages.CopyOutResponse)
		return []part{front(query), back(out, &messages.CopyData{Data: long(i, blob)})}
	},
	"function": func(i int) []part {
		return []part{front(&messages.FunctionCall{FunctionOID: 1, Arguments: values(long(i, blob))})}
	},
	"statement": func(i int) []part {
		return []part{front(&messages.Parse{Statement: []byte("s"), SQL: long(i, blob)}, &messages.Bind{Statement: []byte("s")}, &messages.Execute{}, &messages.Sync{}), back(&messages.ParseComplete{}, &messages.BindComplete{})}
	},
	"parameter": func(i int) []part {
		return []part{front(&messages.Parse{SQL: []byte("select $1")}, &messages.Bind{Parameters: values(long(i, blob))}, &messages.Execute{}, &messages.Sync{}), back(&messages.ParseComplete{}, &messages.BindComplete{})}
	},
	"described statement": func(i int) []part {
		return []part{
			front(&messages.Parse{Statement: []byte("s"), SQL: []byte("select 1")}, &messages.Describe{Target: messages.TargetStatement, Name: []byte("s")}, &messages.Bind{Statement: []byte("s")}, &messages.Execute{}, &messages.Sync{}),
			back(&messages.ParseComplete{}, &messages.ParameterDescription{ParameterOIDs: make([]uint32, 60000)}, columns(i, blob), &messages.BindComplete{}),
		}
	},
	"names": func(i int) []part {
		name := long(i, 9000)
		var list []messages.Message
		for k := range 100 {
			n := append(bytes.Clone(name), byte('a'+k%26), byte('a'+k/26))
			list = append(list, &messages.Parse{Statement: n, SQL: []byte("select 1")}, &messages.Bind{Portal: n, Statement: n}, &messages.Execute{Portal: n})
		}
		return []part{front(append(list, &messages.Sync{})...)}
	},
	"setting": func(i int) []part {
		return []part{front(query), back(&messages.ParameterStatus{Name: []byte("application_name"), Value: long(i, 25000)})}
	},
	"notification": func(i int) []part {
		return []part{front(query), back(&messages.NotificationResponse{Channel: []byte("c"), Payload: long(i, blob)})}
	},
	"unknown message": func(i int) []part {
		return []part{front(query), back(&messages.Unknown{Tag: '~', Body: long(i, 60000)})}
	},
	"requests": func(i int) []part {
		var list []messages.Message
		for range 2000 {
			list = append(list, &messages.Parse{SQL: long(i, 400)}, &messages.Sync{})
		}
		return []part{front(list...)}
	},
}

// ways are how a connection is left with it. They report whether it ends.
var ways = map[string]struct {
	parts []part
	end   bool
}{
	"open":      {},
	"done":      {parts: []part{back(complete, ready)}},
	"ended":     {parts: []part{back(complete, ready)}, end: true},
	"failed":    {parts: []part{back(failure([]byte("no")), ready)}},
	"suspended": {parts: []part{back(&messages.PortalSuspended{}, ready)}},
	"fatal": {parts: []part{back(func() messages.Message {
		m := new(messages.ErrorResponse)
		m.Fields = reply("FATAL", []byte("no"))
		return m
	}())}},
	"inside":   {parts: []part{back(complete, ready), front(query)}},
	"followed": {parts: []part{back(complete, ready), front(query), back(complete, ready), front(query), back(complete, ready)}},
}

// keeper is what views keep of what is handed to them.
type keeper struct {
	normal record.Normalizer
	sum    *stats.Stats
	sample stats.QuerySample
}

func (k *keeper) Message(*session.Event) {}
func (k *keeper) Exchange(_ *session.Session, x *exchange.Exchange) {
	k.sample = stats.QuerySample{Duration: 1}
	if n := k.normal.Of(x); n != nil {
		k.sample.Normalized, k.sample.Fingerprint, k.sample.Operation = n.Text, n.Hash, n.Operation
	}
	k.sum.Query(&k.sample)
}
func (k *keeper) Notice(*session.Session, *session.Notice) {}
func (k *keeper) End(*session.Session)                     {}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestWhatIsKept(t *testing.T) {
	all := os.Getenv("PGSNIFF_SOAK") != "" // gigabytes of messages
	names, hows := slices.Sorted(maps.Keys(kept)), slices.Sorted(maps.Keys(ways))
	for i, name := range names {
		for j, how := range hows {
			if !all && (i+j)%len(hows) > 1 {
				continue // each thing in two ways, each way with some things
			}
			for _, asked := range []bool{true, false} {
				if all || asked == (i%2 == 0) {
					leave(t, name+", "+how, kept[name], ways[how].parts, ways[how].end, asked)
				}
			}
		}
	}
}

// leave leaves many connections behind and looks at the memory that they keep.
func leave(t *testing.T, name string, what func(int) []part, way []part, end, asked bool) {
	before := heap()
	h := redact.NewHandler(redact.Secrets, &keeper{sum: stats.New(stats.Limits{})})
	sh := session.NewShared(session.Config{Exchanges: true, Messages: asked}, exchange.Limits{}, h)
	var list []*session.Session
	opening := []part{
		front(&messages.StartupMessage{Version: messages.Version30, Parameters: []messages.Pair{{Name: []byte("user"), Value: []byte("u")}}}),
		back(&messages.AuthenticationOk{}, ready),
	}
	at := session.Stamp{Time: 1, Frame: 1}
	for i := range keptConnections {
		s := sh.New(session.Opening{ID: uint64(i + 1), Client: "c", Server: "s", At: at})
		for _, parts := range [][]part{opening, what(i), way} {
			for _, p := range parts {
				var b []byte
				for _, m := range p.messages {
					b = m.Append(b)
				}
				const segment = 32 << 10
				for len(b) > 0 {
					n := min(segment, len(b))
					s.Data(p.direction, b[:n], at)
					b = b[n:]
				}
			}
		}
		if end {
			s.End(session.EndFIN, at, session.Traffic{})
			continue
		}
		list = append(list, s)
	}
	if after := heap(); after > before+keptLimit {
		t.Errorf("%s, messages %v: %d connections keep %d MB", name, asked, keptConnections, (after-before)>>20)
	}
	runtime.KeepAlive(list)
	runtime.KeepAlive(sh)
}
