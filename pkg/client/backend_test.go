package client

import (
	"bytes"
	"io"

	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/scram"
)

// backend is a server in memory and its transport: what is written to it is
// answered at once.
type backend struct {
	conn     *connection.BackendConnection
	auth     AuthMethod
	out      bytes.Buffer
	discards bool // up to the next Sync
	scram    *scram.Server
	limited  int // Executes with a limit that are suspended before the end

	sent    int // replies so far
	instead map[int][]byte
	hangUp  bool // instead's bytes are the last ones
	gone    bool
	kinds   []messages.Kind // of the replies
	session bool            // past startup
	simple  bool            // the cycle is not an extended one
}

const bearerToken = "abc.def=="

func newBackend(auth AuthMethod) *backend {
	return &backend{conn: connection.NewBackend(), auth: auth, limited: 1}
}

// Read implements io.Reader: io.EOF where there is nothing to wait for.
func (b *backend) Read(p []byte) (int, error) { return b.out.Read(p) }

// Write implements io.Writer.
func (b *backend) Write(p []byte) (int, error) {
	for m, err := range b.conn.Receive(p) {
		if err != nil {
			return 0, err
		}
		if !b.gone {
			b.answer(m)
		}
	}
	return len(p), nil
}

// send answers, unless something else is to be sent instead.
func (b *backend) send(list ...messages.Message) {
	for _, m := range list {
		if b.gone || b.discards {
			return
		}
		b.kinds = append(b.kinds, m.Kind())
		instead, ok := b.instead[b.sent]
		b.sent++
		if !ok {
			out, err := b.conn.Send(m)
			if err != nil {
				panic(err)
			}
			b.out.Write(out)
			continue
		}
		b.out.Write(instead)
		if b.hangUp || !b.session {
			b.gone = true
			return
		}
		// It was an error: what is left of the cycle is not answered.
		if _, err := b.conn.Send(&messages.ErrorResponse{}); err != nil {
			panic(err)
		}
		b.discards = true
		if b.simple || m.Kind() == messages.KindReadyForQuery {
			b.ready()
		}
		return
	}
}

// ready ends a cycle in which an error was sent.
func (b *backend) ready() {
	b.discards = false
	out, err := b.conn.Send(&messages.ReadyForQuery{Status: 'I'})
	if err == nil {
		b.out.Write(out)
	}
}

var ready = &messages.ReadyForQuery{Status: 'I'}

func described(names ...string) *messages.RowDescription {
	m := &messages.RowDescription{}
	for _, name := range names {
		m.Fields = append(m.Fields, messages.ColumnDescription{Name: []byte(name), TypeOID: 25, TypeSize: -1})
	}
	return m
}

func dataRow(values ...string) *messages.DataRow {
	m := &messages.DataRow{}
	for _, v := range values {
		m.Values.Add([]byte(v))
	}
	return m
}

func complete(tag string) *messages.CommandComplete {
	return &messages.CommandComplete{Tag: []byte(tag)}
}

func (b *backend) answer(m messages.Message) {
	switch m.Kind() {
	case messages.KindQuery, messages.KindFunctionCall:
		b.simple = true
	case messages.KindParse, messages.KindBind, messages.KindClose:
		b.simple = false
	}
	if b.session {
		b.answerRequest(m)
		return
	}
	switch m := m.(type) {
	case *messages.StartupMessage:
		b.ask()
	case *messages.PasswordMessage:
		b.welcome()
	case *messages.SASLInitialResponse:
		if b.auth == AuthBearer {
			b.token(m.Data)
			return
		}
		known, _ := scram.NewSecret(secret, 1)
		b.scram = scram.NewServer(known, nil)
		data, _ := b.scram.First(string(m.Mechanism), m.Data)
		b.send(&messages.AuthenticationSASLContinue{Data: data})
	case *messages.SASLResponse:
		if b.auth == AuthBearer {
			b.send(messages.NewError("FATAL", "28000", "OAuth bearer authentication failed"))
			b.gone = true
			return
		}
		data, err := b.scram.Final(m.Data)
		if err != nil { // one that pretends to know the password
			data = []byte("v=AAAA")
		}
		b.send(&messages.AuthenticationSASLFinal{Data: data})
		b.welcome()
	}
}

func (b *backend) ask() {
	switch b.auth {
	case AuthTrust:
		b.welcome()
	case AuthPassword:
		b.send(&messages.AuthenticationCleartextPassword{})
	case AuthMD5:
		b.send(&messages.AuthenticationMD5Password{Salt: [4]byte{1, 2, 3, 4}})
	case AuthBearer:
		b.send(&messages.AuthenticationSASL{Mechanisms: [][]byte{[]byte(scram.MechanismBearer)}})
	default:
		b.send(&messages.AuthenticationSASL{Mechanisms: [][]byte{[]byte(scram.Mechanism)}})
	}
}

// token lets those in who have the right token, and tells others where to get it.
func (b *backend) token(data []byte) {
	if token, err := scram.ParseBearerRequest(data); err == nil && token == bearerToken {
		b.welcome()
		return
	}
	refused, _ := (&scram.BearerError{Status: "invalid_token", Scope: "db", OpenIDConfiguration: "https://example.org/.well-known/openid-configuration"}).Data()
	b.send(&messages.AuthenticationSASLContinue{Data: refused})
}

func (b *backend) welcome() {
	b.send(&messages.AuthenticationOk{},
		&messages.ParameterStatus{Name: []byte("client_encoding"), Value: []byte("UTF8")},
		&messages.BackendKeyData{ProcessID: 7, SecretKey: []byte("abcd")}, ready)
	b.session = !b.gone
}

func (b *backend) answerRequest(m messages.Message) {
	switch m := m.(type) {
	case *messages.Query:
		switch sql := string(m.SQL); {
		case sql == "in":
			b.send(&messages.CopyInResponse{})
		case sql == "out":
			b.send(&messages.CopyOutResponse{}, &messages.CopyData{Data: []byte("x\n")}, &messages.CopyDone{}, complete("COPY 1"), ready)
		default:
			b.send(described("a"), dataRow(sql), complete("SELECT 1"), &messages.NoticeResponse{}, complete("SET"), ready)
		}
	case *messages.CopyDone:
		if b.simple {
			b.send(complete("COPY 1"), ready)
		} else {
			b.send(complete("COPY 1"))
		}
	case *messages.Parse:
		b.send(&messages.ParseComplete{})
	case *messages.Describe:
		b.send(&messages.ParameterDescription{ParameterOIDs: []uint32{25}}, described("a"))
	case *messages.Bind:
		b.send(&messages.BindComplete{})
	case *messages.Execute:
		b.execute(m)
	case *messages.Close:
		b.send(&messages.CloseComplete{})
	case *messages.FunctionCall:
		b.send(&messages.FunctionCallResponse{Result: []byte("42")}, ready)
	case *messages.Sync:
		if b.discards {
			b.ready()
			return
		}
		b.send(ready)
	}
}

func (b *backend) execute(m *messages.Execute) {
	switch {
	case string(m.Portal) == "in":
		b.send(&messages.CopyInResponse{})
	case m.MaxRows > 0 && b.limited > 0:
		b.limited--
		b.send(dataRow("1"), &messages.PortalSuspended{})
	default:
		b.send(dataRow("1"), dataRow("2"), complete("SELECT 2"))
	}
}

var _ io.ReadWriter = (*backend)(nil)
