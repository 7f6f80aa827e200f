package session

import (
	"encoding/json"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Snapshot is what is known of an open connection, so that another capture, which
// begins in its middle, can be read as if its beginning were there. It holds no secret
// by itself, but for what the texts of its statements have.
type Snapshot struct {
	User            string             `json:"user,omitempty"`
	Database        string             `json:"database,omitempty"`
	Application     string             `json:"application_name,omitempty"`
	Replication     string             `json:"replication,omitempty"`
	ProtocolVersion string             `json:"protocol_version,omitempty"`
	ServerVersion   string             `json:"server_version,omitempty"`
	Product         string             `json:"server_product,omitempty"`
	TimeZone        string             `json:"time_zone,omitempty"`
	DateStyle       string             `json:"date_style,omitempty"`
	IntervalStyle   string             `json:"interval_style,omitempty"`
	SearchPath      string             `json:"search_path,omitempty"`
	Escapes         bool               `json:"escapes,omitempty"` // standard_conforming_strings is off
	Proxied         string             `json:"proxied_client,omitempty"`
	ProcessID       uint32             `json:"process_id,omitempty"`
	Auth            string             `json:"auth,omitempty"`
	Encryption      string             `json:"encryption,omitempty"`
	Tx              string             `json:"tx,omitempty"`        // the status where the connection rests
	Rested          int64              `json:"rested_ns,omitempty"` // when its latest replies ended, since the epoch
	Statements      []PreparedSnapshot `json:"statements,omitempty"`
	TLS             *TLSSnapshot       `json:"tls,omitempty"`
}

// PreparedSnapshot is a prepared statement of a Snapshot.
type PreparedSnapshot struct {
	Name    string   `json:"name"`
	SQL     string   `json:"sql"`
	Types   []uint32 `json:"types,omitempty"`   // OIDs of the parameters
	Columns []byte   `json:"columns,omitempty"` // body of the RowDescription
}

// TLSSnapshot is what is known of a connection's TLS.
type TLSSnapshot struct {
	Facts TLSFacts `json:"facts"`
	// Place is where its records stand, in a form of the TLS layer's own; nil where
	// it is not decrypted.
	Place json.RawMessage `json:"place,omitempty"`
	// Secrets are those that it is decrypted with, as lines of a key log.
	Secrets []byte `json:"-"`
}

// Snapshot returns what is known of a connection; nil where it is none of
// PostgreSQL's, or none to go on with. The result is the caller's.
func (s *Session) Snapshot() *Snapshot {
	if s.over || s.candidate || s.ended || s.lingers || s.held != nil {
		return nil
	}
	i := &s.info
	k := &Snapshot{
		User: i.User, Database: i.Database, Application: i.Application, Replication: i.Replication,
		ProtocolVersion: i.ProtocolVersion, ServerVersion: i.ServerVersion, Product: i.Product,
		TimeZone: i.TimeZone, DateStyle: i.DateStyle, IntervalStyle: i.IntervalStyle, SearchPath: i.SearchPath, Escapes: i.Escapes, Proxied: i.Proxied, ProcessID: i.ProcessID, Auth: i.Auth, Encryption: i.Encryption.String(),
	}
	if tx, ok := s.atRest(); ok {
		k.Tx, k.Rested = string(rune(tx)), s.log.Rested().Time
	}
	if s.tls != nil {
		k.TLS = s.tls.Snapshot()
		s.named(&k.TLS.Facts)
	}
	s.log.Prepared(func(name string, st *exchange.Statement, columns []byte) {
		k.Statements = append(k.Statements, PreparedSnapshot{
			Name: name, SQL: string(st.SQL), Types: append([]uint32(nil), st.ParamTypes...), Columns: append([]byte(nil), columns...),
		})
	})
	return k
}

// atRest reports whether the next byte of either side begins a message, and the
// frontend's is the next.
func (s *Session) atRest() (tx byte, ok bool) {
	if s.encrypted && !s.decrypting || s.replication != nil || s.auditing && !s.heard {
		return 0, false
	}
	for d, st := range s.streams {
		if s.pending[d] != nil || s.trouble[d] != nil {
			return 0, false
		}
		if st != nil {
			if _, ok := streams.Rest(st); !ok {
				return 0, false
			}
		}
	}
	return s.tracker.Resting()
}

// Resume is New for a connection of which a Snapshot was made before its first packet
// here. What it says is believed; what makes no sense is as if it were not there.
func (sh *Shared) Resume(o Opening, k *Snapshot) *Session {
	o.MidStream = true
	s := sh.New(o)
	if k == nil {
		return s
	}
	s.candidate, s.auditing, s.heard = false, false, true
	// What is replayed was told in the capture before.
	quiet := sh.cfg
	quiet.OnError, quiet.Some, quiet.Messages, quiet.Strict = nil, nil, false, false
	kinds := sh.kinds
	s.cfg, s.handler = &quiet, nobody{}
	s.restoreTLS(k)
	s.replay(k)
	s.cfg, s.handler, sh.kinds = &sh.cfg, sh.handler, kinds
	s.log.Totals, s.Violations = exchange.Totals{}, 0
	s.places = places{}
	s.restoreInfo(k)
	return s
}

// nobody is told nothing.
type nobody struct{}

func (nobody) Message(*Event)                        {}
func (nobody) Exchange(*Session, *exchange.Exchange) {}
func (nobody) Notice(*Session, *Notice)              {}
func (nobody) End(*Session)                          {}

func (s *Session) restoreInfo(k *Snapshot) {
	name := func(text string) string { return s.name([]byte(text)) }
	i := &s.info
	i.User, i.Database, i.Application, i.Replication = name(k.User), name(k.Database), name(k.Application), name(k.Replication)
	i.ProtocolVersion, i.ServerVersion, i.TimeZone = name(k.ProtocolVersion), name(k.ServerVersion), name(k.TimeZone)
	i.DateStyle, i.IntervalStyle, i.Escapes = name(k.DateStyle), name(k.IntervalStyle), k.Escapes
	i.SearchPath = name(k.SearchPath)
	s.log.Escapes = i.Escapes
	s.setFormats()
	i.Proxied, i.Auth, i.ProcessID, i.HasProcessID = name(k.Proxied), name(k.Auth), k.ProcessID, k.ProcessID != 0
	if k.Product != "" {
		s.setProduct(name(k.Product))
	}
	i.MidStream, i.State = true, StateOpen
	for e, known := range encryptionNames {
		if known != "" && known == k.Encryption {
			i.Encryption = Encryption(e)
		}
	}
	s.log.Begin(replicates(i.Replication), s.Server, i.Database)
	s.log.Rest(exchange.Stamp{Time: k.Rested})
}

// restoreTLS makes the connection one whose bytes are ciphertext, if it was.
func (s *Session) restoreTLS(k *Snapshot) {
	if k.TLS == nil {
		return
	}
	s.heard = false
	s.info.Encryption = EncryptionTLS
	s.tracker.Encrypted()
	s.startTLS()
	if s.tls != nil {
		s.tls.Resume(k.TLS)
	}
}

// replay has the connection take messages like those that made it what it is.
func (s *Session) replay(k *Snapshot) {
	tls := k.TLS != nil
	if tls && k.TLS.Place == nil {
		return // not a word of it was understood
	}
	at := s.info.Started
	take := func(d messages.Direction, b []byte) {
		if tls {
			s.gives(d, b, at)
		} else {
			s.decode(d, b, at)
		}
	}
	if tls {
		s.startDecrypting(at)
	}
	s.tracker.SetPhase(messages.PhaseReady)
	for _, d := range []messages.Direction{messages.Frontend, messages.Backend} {
		s.stream(d).Reset(d)
	}
	ready := (&messages.ReadyForQuery{Status: 'I'}).Append(nil)
	if k.Tx == "T" || k.Tx == "E" {
		ready = (&messages.ReadyForQuery{Status: messages.TxStatus(k.Tx[0])}).Append(nil)
	}
	take(messages.Frontend, (&messages.Sync{}).Append(nil))
	take(messages.Backend, ready)
	for i := range k.Statements {
		request, reply := k.Statements[i].messages()
		take(messages.Frontend, request)
		take(messages.Backend, append(reply, ready...))
	}
	if k.Tx == "" { // it was in the middle of something
		s.tracker.Join()
		for _, d := range []messages.Direction{messages.Frontend, messages.Backend} {
			s.stream(d).MidStream()
		}
	}
}

// messages are those that prepare and describe a statement, and their replies.
func (p *PreparedSnapshot) messages() (request, reply []byte) {
	name := []byte(p.Name)
	request = (&messages.Parse{Statement: name, SQL: []byte(p.SQL), ParameterOIDs: p.Types}).Append(nil)
	request = (&messages.Describe{Target: messages.TargetStatement, Name: name}).Append(request)
	request = (&messages.Sync{}).Append(request)
	reply = (&messages.ParseComplete{}).Append(nil)
	reply = (&messages.ParameterDescription{ParameterOIDs: p.Types}).Append(reply)
	if p.Columns == nil {
		return request, (&messages.NoData{}).Append(reply)
	}
	var rows messages.RowDescription
	if rows.Decode(p.Columns) != nil {
		rows = messages.RowDescription{}
	}
	return request, rows.Append(reply)
}
