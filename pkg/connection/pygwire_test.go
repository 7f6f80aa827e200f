package connection_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// pygwireFact is something that a test of pygwire asserts, or did on its way: what it
// encoded, decoded, fed, sent and received, and what came of it. testdata/pygwire.jsonl
// holds those of its tests of messages, framing, codec and connections, with the names
// of messages as they are here. Strings and bytes are in hexadecimal digits.
type pygwireFact struct {
	Test string

	// A message: its body, and its fields in order; Error if it cannot be decoded.
	Message string
	Payload string
	Fields  []any
	Error   bool

	// A frame: the phase and the direction of these bytes.
	Frame  []string
	Bytes  string
	Max    int
	Result string // name of the message, "none", or "error …"
	Size   int

	Decoder     [][]any // steps of a decoder
	Connections [][]any // of connections
	Machines    [][]any // of state machines
}

// pygwireDiffers is what is different here, and on purpose: by test, how what comes of
// it begins, and why. docs/library.md tells of each.
var pygwireDiffers = map[string]struct{ here, why string }{
	"messages_auth: decode_binary_data":  {"decoding: PasswordMessage", tokens},
	"messages_auth: encode_binary_data":  {"decoding: PasswordMessage", tokens},
	"messages_auth: round_trip_binary":   {"decoding: PasswordMessage", tokens},
	"messages_auth: decode_without_data": {`fields: ["504c41494e",null]`, noResponse},
	"messages_auth: encode_without_data": {`fields: ["534352414d2d5348412d323536",null]`, noResponse},
	"messages_startup: empty_secret_key": {"decoding: CancelRequest: secret_key", keyLength},
	"messages_startup: zero_process_id":  {"decoding: CancelRequest: secret_key", keyLength},

	"framing: unknown_identifier_in_phase":         {"Parse", "the machine refuses it, and names what was expected"},
	"framing: unknown_message_identifier":          {"error decoding", unknown},
	"framing: unknown_request_code_raises_error":   {"error decoding", unknown},
	"codec_integration: notification_during_query": {"step 9: send: postgresql protocol: DataRow is out of order", noColumns},
	"codec_integration: multiple_rows":             {"step 9: send: postgresql protocol: DataRow is out of order", noColumns},
	"codec_integration: sasl_auth_flow":            {"step 6: authenticating_sasl_continue", "the answer of the client has been sent"},

	"malformed_payloads: notification_channel_embedded_null": {"step 3: error decoding", "bytes are left over: a NUL ends the string early"},

	"state_machine: BackendMsgCopyInRules command_complete_stays":         {"step 1: after CommandComplete simple_query", copyOver},
	"state_machine: BackendMsgCopyInRules error_stays":                    {"step 1: after ErrorResponse simple_query", copyOver},
	"state_machine: BackendMsgCopyOutRules command_complete_stays":        {"step 1: after CommandComplete simple_query", copyOver},
	"state_machine: BackendMsgCopyOutRules error_stays":                   {"step 1: after ErrorResponse simple_query", copyOver},
	"state_machine: BackendMsgFunctionCallRules command_complete_stays":   {"step 1: receive CommandComplete: postgresql protocol: CommandComplete is out of order", "servers send none"},
	"state_machine: BackendMsgFunctionCallRules error_to_simple_query":    {"step 1: after ErrorResponse function_call", called},
	"state_machine: BackendMsgFunctionCallRules function_call_response":   {"step 1: after FunctionCallResponse function_call", called},
	"state_machine: BackendMsgGSSNegotiationRules gss_response":           {"step 1: after GSSENCResponse encrypted", accepted},
	"state_machine: BackendMsgSSLNegotiationRules ssl_response":           {"step 1: after SSLResponse encrypted", accepted},
	"state_machine: BackendMsgReadyRules error_stays":                     {"step 1: receive ErrorResponse: postgresql protocol: ErrorResponse answers no outstanding request", "only a FATAL one comes unasked"},
	"state_machine: FrontendGSSNegotiationRules startup_message":          {"step 1: send StartupMessage: postgresql protocol: StartupMessage is out of order", awaited},
	"state_machine: FrontendGSSNegotiationRules terminate":                {"step 1: send Terminate: postgresql protocol: Terminate is out of order", awaited},
	"state_machine: FrontendSSLNegotiationRules startup_message":          {"step 1: send StartupMessage: postgresql protocol: StartupMessage is out of order", awaited},
	"state_machine: FrontendSSLNegotiationRules gss_enc_request":          {"step 1: send GSSENCRequest: postgresql protocol: GSSENCRequest is out of order", awaited},
	"state_machine: FrontendSSLNegotiationRules terminate":                {"step 1: send Terminate: postgresql protocol: Terminate is out of order", awaited},
	"state_machine: FrontendStartupRules terminate":                       {"step 1: send Terminate: postgresql protocol: Terminate is out of order", "a server reads a startup packet"},
	"state_machine: FrontendStartupRules cancel_request_stays":            {"step 1: after CancelRequest terminated", "nothing may follow"},
	"state_machine: FrontendSASLInitialRules sasl_initial_response_stays": {"step 1: after SASLInitialResponse authenticating_sasl_continue", "the answer has been sent"},
	"state_machine: FrontendSimpleQueryRules no_pipelining":               {"step 1: send Query: <nil>", "servers take a Query before the latest one was answered"},
}

const (
	tokens     = "a body without NUL is no password: such bytes are a GSSResponse or a SASLResponse"
	noResponse = "length -1, no initial response, is told from an empty one, as servers do"
	keyLength  = "a key has 4 to 256 bytes"
	unknown    = "its length says where the next message begins: it is handed out as Unknown, with the error"
	copyOver   = "the COPY is over: what follows is of its query"
	called     = "a function call lasts until its ReadyForQuery"
	accepted   = "a handshake follows, no startup packet"
	awaited    = "nothing may be sent before the answer: what lies about could be injected"
	noColumns  = "servers send RowDescription before the rows of a Query"
)

// TestPygwire replays pygwire's tests.
func TestPygwire(t *testing.T) {
	file, err := os.Open("testdata/pygwire.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	count, used, differ := map[string]int{}, map[string]bool{}, 0
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var f pygwireFact
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		kind, here := "message", ""
		switch {
		case f.Message != "":
			here = f.message()
		case f.Frame != nil:
			kind, here = "frame", f.frame()
		case f.Decoder != nil:
			kind, here = "decoder", f.decoder()
		case f.Machines != nil:
			kind, here = "machine", f.machines()
		default:
			kind, here = "connection", f.connections()
		}
		count[kind]++
		if here == "" {
			continue
		}
		differ++
		want, differs := pygwireDiffers[f.Test]
		if used[f.Test] = true; !differs || !strings.HasPrefix(here, want.here) {
			t.Errorf("%s: %s", f.Test, here)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if differ != len(pygwireDiffers) || differ != len(used) {
		t.Errorf("%d facts of %d tests differ, want %d", differ, len(used), len(pygwireDiffers))
	}
	if want := map[string]int{"message": 203, "frame": 30, "decoder": 24, "connection": 26, "machine": 103}; !reflect.DeepEqual(count, want) {
		t.Errorf("facts: %v, want %v", count, want)
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func kindNamed(name string) messages.Kind {
	for k := range messages.Kind(messages.NumKinds) {
		if k.String() == name {
			return k
		}
	}
	panic(name)
}

func phaseNamed(name string) messages.Phase {
	for p := range messages.Phase(messages.NumPhases) {
		if p.String() == name {
			return p
		}
	}
	panic(name)
}

// message decodes the body, compares the fields, and encodes it again. It returns what
// is different, "" for nothing.
func (f *pygwireFact) message() string {
	body := unhex(f.Payload)
	if f.Message == "Authentication" { // of no kind that there is
		wire := (&messages.Unknown{Tag: 'R', Body: body}).Append(nil)
		d := codec.NewBackendDecoder(codec.DecoderOptions{Phase: messages.PhaseAuthenticating})
		d.Feed(wire)
		if got := outcome(d.Next()); got != "error decoding" || !f.Error {
			return got
		}
		return ""
	}
	m := kindNamed(f.Message).New()
	if err := m.Decode(body); (err != nil) != f.Error {
		return fmt.Sprint("decoding: ", err)
	} else if err != nil {
		return ""
	}
	got, err := json.Marshal(values(reflect.ValueOf(m).Elem()))
	if err != nil {
		panic(err)
	}
	want, err := json.Marshal(f.Fields)
	if err != nil {
		panic(err)
	}
	if f.Fields != nil && string(got) != string(want) {
		return fmt.Sprintf("fields: %s", got)
	}
	wire := m.Append(nil)
	if head := len(wire) - len(body); string(wire[head:]) != string(body) {
		return fmt.Sprintf("encoded: %x", wire)
	}
	return ""
}

// values lists the fields of a struct as pygwireFact has them.
func values(v reflect.Value) (list []any) {
	list = []any{}
	for i := range v.NumField() {
		switch {
		case v.Type().Field(i).Anonymous:
			list = append(list, values(v.Field(i))...)
		case v.Type().Field(i).IsExported():
			list = append(list, value(v.Field(i)))
		}
	}
	return list
}

func value(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case []byte:
		if x == nil {
			return nil
		}
		return hex.EncodeToString(x)
	case [4]byte:
		return hex.EncodeToString(x[:])
	case messages.Target, messages.TxStatus:
		return fmt.Sprintf("%02x", byte(v.Uint()))
	case messages.ErrorField:
		return []string{fmt.Sprintf("%02x", x.Type), hex.EncodeToString(x.Value)}
	case bool:
		return x
	}
	switch v.Kind() {
	case reflect.Struct:
		return values(v)
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, value(v.Index(i)))
		}
		return list
	case reflect.Uint8, reflect.Uint32:
		return v.Uint()
	}
	return v.Int()
}

func decoderOf(direction string, opt codec.DecoderOptions) *codec.Decoder {
	if direction == "frontend" {
		return codec.NewFrontendDecoder(opt)
	}
	return codec.NewBackendDecoder(opt)
}

// outcome is the name of the message, "none", or "error" with its sort.
func outcome(m messages.Message, err error) string {
	var framing *codec.FramingError
	var decoding *codec.DecodingError
	var anomaly *tracker.Anomaly
	switch {
	case errors.Is(err, codec.ErrNeedMore):
		return "none"
	case errors.As(err, &framing):
		return "error framing"
	case errors.As(err, &decoding):
		return "error decoding"
	case errors.As(err, &anomaly):
		return "error state"
	case err != nil:
		return "error " + err.Error()
	}
	return m.Kind().String()
}

func (f *pygwireFact) frame() string {
	d := decoderOf(f.Frame[1], codec.DecoderOptions{Phase: phaseNamed(f.Frame[0]), MaxMessageSize: f.Max})
	d.Feed(unhex(f.Bytes))
	m, err := d.Next()
	if got := outcome(m, err); got != f.Result {
		return got
	}
	if read := len(f.Bytes)/2 - d.Buffered(); err == nil && read != f.Size {
		return fmt.Sprint("size ", read)
	}
	return ""
}

func (f *pygwireFact) decoder() string {
	var d *codec.Decoder
	for i, step := range f.Decoder {
		got, buffered := "", step[len(step)-1]
		switch step[0] {
		case "decoder":
			d = decoderOf(step[1].(string), codec.DecoderOptions{})
			continue
		case "phase":
			d.SetPhase(phaseNamed(step[1].(string)))
			continue
		case "feed":
			d.Feed(unhex(step[1].(string)))
		case "clear":
			d.Clear()
		case "next":
			want := step[1].(string)
			if strings.HasPrefix(want, "error") {
				// There it is FramingError for some messages, and the message stays where it
				// is; here the next one can be read.
				want, buffered = "error decoding", 0.0
			}
			if got = outcome(d.Next()); got != want {
				return fmt.Sprintf("step %d: %s", i, got)
			}
		}
		if d.Buffered() != int(buffered.(float64)) {
			return fmt.Sprintf("step %d: %s, %d buffered", i, got, d.Buffered())
		}
	}
	return ""
}

func (f *pygwireFact) connections() string {
	var all []connection.Connection
	for i, step := range f.Connections {
		n := int(step[0].(float64))
		if step[1] == "new" {
			options := []connection.Option{connection.InPhase(phaseNamed(step[3].(string)))}
			if len(step) > 4 {
				options = append(options, connection.Lenient())
			}
			if step[2] == "frontend" {
				all = append(all, connection.NewFrontend(options...))
			} else {
				all = append(all, connection.NewBackend(options...))
			}
			continue
		}
		got := ""
		if step[1] == "send" {
			got = sent(all[n], step[2].(string), step[3] == "ok", step[4].(string))
		} else {
			got = received(all[n], step[2].(string), step[3], step[4].(string))
		}
		if got != "" {
			return fmt.Sprintf("step %d: %s", i, got)
		}
	}
	return ""
}

func sent(c connection.Connection, what string, ok bool, phase string) string {
	var m messages.Message
	if ok {
		d := decoderOf(map[bool]string{true: "frontend", false: "backend"}[isFrontend(c)], codec.DecoderOptions{Phase: c.Phase()})
		d.Feed(unhex(what))
		var err error
		if m, err = d.Next(); err != nil {
			return err.Error()
		}
	} else {
		m = kindNamed(what).New()
	}
	wire, err := c.Send(m)
	switch {
	case ok != (err == nil):
		return fmt.Sprint("send: ", err)
	case ok && hex.EncodeToString(wire) != what:
		return fmt.Sprintf("sent %x", wire)
	case !samePhase(c.Phase(), phase):
		return c.Phase().String()
	}
	return ""
}

// samePhase reports whether that is the phase of pygwire: there it is startup, until a
// StartupMessage has been answered.
func samePhase(p messages.Phase, pygwire string) bool {
	return p.String() == pygwire || p == messages.PhaseAuthenticating && pygwire == messages.PhaseStartup.String()
}

func isFrontend(c connection.Connection) bool {
	_, yes := c.(*connection.FrontendConnection)
	return yes
}

func received(c connection.Connection, data string, want any, phase string) string {
	got := []any{}
	for m, err := range c.Receive(unhex(data)) {
		got = append(got, outcome(m, err))
	}
	switch {
	case !reflect.DeepEqual(got, want):
		return fmt.Sprint("received ", got)
	case !samePhase(c.Phase(), phase):
		return c.Phase().String()
	}
	return ""
}

func (f *pygwireFact) machines() string {
	var all []tracker.Machine
	for i, step := range f.Machines {
		n := int(step[0].(float64))
		if step[1] == "new" {
			phase := tracker.InPhase(phaseNamed(step[3].(string)))
			if step[2] == "frontend" {
				all = append(all, tracker.NewFrontendMachine(phase))
			} else {
				all = append(all, tracker.NewBackendMachine(phase))
			}
			continue
		}
		m := kindNamed(step[2].(string)).New()
		if err := m.Decode(unhex(step[3].(string))); err != nil {
			return fmt.Sprintf("step %d: %v", i, err)
		}
		take := all[n].Receive
		if step[1] == "send" {
			take = all[n].Send
		}
		if err := take(m); (err == nil) != (step[4] == "ok") {
			return fmt.Sprintf("step %d: %s %v: %v", i, step[1], m.Kind(), err)
		}
		if got := all[n].Phase(); !samePhase(got, step[5].(string)) {
			return fmt.Sprintf("step %d: after %v %v", i, m.Kind(), got)
		}
	}
	return ""
}
