package conversation

import (
	"strconv"
	"strings"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Opening is a startup that succeeds.
const Opening = `
	F: Startup user u database d
	B: AuthOk ; Key 77 0x01020304 ; Ready I
`

// encode writes a message, by its name and arguments.
func encode(words []word) []byte {
	a := &arguments{words[1:], words[0].text}
	if a.of == "raw" {
		return a.bytes()
	}
	build, ok := table[a.of]
	check(ok, "no message "+a.of)
	m := build(a)
	check(len(a.words) == 0, "too many arguments of "+a.of)
	return m.Append(nil)
}

// table are the messages by the names that scripts use.
var table = map[string]func(a *arguments) messages.Message{
	"Startup":    startup, // version=3.2, then names and values
	"SSLRequest": bare(&messages.SSLRequest{}),
	"CancelRequest": func(a *arguments) messages.Message { // process id, key
		return &messages.CancelRequest{ProcessID: uint32(a.int()), SecretKey: key(a)}
	},
	"Password": func(a *arguments) messages.Message { return &messages.PasswordMessage{Password: a.bytes()} },
	"Query":    func(a *arguments) messages.Message { return &messages.Query{SQL: a.bytes()} },
	"Parse": func(a *arguments) messages.Message { // name, SQL, type OIDs
		return &messages.Parse{Statement: a.bytes(), SQL: a.bytes(), ParameterOIDs: a.oids()}
	},
	"Bind":     bind,     // pf=formats, rf=formats, portal, statement, values
	"Describe": describe, // statement or portal, name
	"Close": func(a *arguments) messages.Message {
		return &messages.Close{Target: target(a), Name: a.bytes()}
	},
	"Execute":      execute, // portal, most rows
	"Sync":         bare(&messages.Sync{}),
	"Flush":        bare(&messages.Flush{}),
	"Terminate":    bare(&messages.Terminate{}),
	"FunctionCall": functionCall, // OID, arguments
	"CopyData":     func(a *arguments) messages.Message { return &messages.CopyData{Data: a.bytes()} },
	"CopyDone":     bare(&messages.CopyDone{}),
	"CopyFail":     func(a *arguments) messages.Message { return &messages.CopyFail{Message: a.bytes()} },

	"SSLResponse": func(a *arguments) messages.Message {
		return &messages.SSLResponse{Accepted: string(a.bytes()) == "S"}
	},
	"AuthOk": bare(&messages.AuthenticationOk{}),
	"AuthMD5": func(a *arguments) messages.Message {
		return &messages.AuthenticationMD5Password{Salt: [4]byte(a.bytes())}
	},
	"AuthClear": bare(&messages.AuthenticationCleartextPassword{}),
	"Key": func(a *arguments) messages.Message {
		return &messages.BackendKeyData{ProcessID: uint32(a.int()), SecretKey: key(a)}
	},
	"Param": func(a *arguments) messages.Message {
		return &messages.ParameterStatus{Name: a.bytes(), Value: a.bytes()}
	},
	"Ready": func(a *arguments) messages.Message {
		return &messages.ReadyForQuery{Status: messages.TxStatus(a.bytes()[0])}
	},
	"RowDescription":   rowDescription, // name:oid:format …
	"Row":              func(a *arguments) messages.Message { return &messages.DataRow{Values: a.values()} },
	"Complete":         func(a *arguments) messages.Message { return &messages.CommandComplete{Tag: a.bytes()} },
	"Empty":            bare(&messages.EmptyQueryResponse{}),
	"Suspended":        bare(&messages.PortalSuspended{}),
	"ParseComplete":    bare(&messages.ParseComplete{}),
	"BindComplete":     bare(&messages.BindComplete{}),
	"CloseComplete":    bare(&messages.CloseComplete{}),
	"NoData":           bare(&messages.NoData{}),
	"ParamDescription": func(a *arguments) messages.Message { return &messages.ParameterDescription{ParameterOIDs: a.oids()} },
	"CopyIn":           func(a *arguments) messages.Message { return &messages.CopyInResponse{} },
	"CopyOut":          func(a *arguments) messages.Message { return &messages.CopyOutResponse{} },
	"CopyBoth":         func(a *arguments) messages.Message { return &messages.CopyBothResponse{} },
	"FunctionResult":   func(a *arguments) messages.Message { return &messages.FunctionCallResponse{Result: a.bytes()} },
	"Error":            func(a *arguments) messages.Message { return &messages.ErrorResponse{ErrorFields: failure(a)} },
	"Notice":           func(a *arguments) messages.Message { return &messages.NoticeResponse{ErrorFields: failure(a)} },
	"Notification": func(a *arguments) messages.Message {
		return &messages.NotificationResponse{Channel: a.bytes(), Payload: a.bytes()}
	},
}

func bare(m messages.Message) func(*arguments) messages.Message {
	return func(*arguments) messages.Message { return m }
}

func key(a *arguments) []byte {
	s, ok := strings.CutPrefix(string(a.bytes()), "0x")
	check(ok, "a key is written 0x…")
	return unhex(s)
}

func startup(a *arguments) messages.Message {
	m := &messages.StartupMessage{Version: messages.Version30}
	if v, ok := a.option("version"); ok {
		major, minor, _ := strings.Cut(v, ".")
		hi, err1 := strconv.Atoi(major)
		lo, err2 := strconv.Atoi(minor)
		check(err1 == nil && err2 == nil, v)
		m.Version = messages.ProtocolVersion(hi<<16 | lo)
	}
	for len(a.words) > 0 {
		m.Parameters = append(m.Parameters, messages.Pair{Name: a.bytes(), Value: a.bytes()})
	}
	return m
}

func bind(a *arguments) messages.Message {
	return &messages.Bind{
		ParameterFormats: a.formats("pf"), ResultFormats: a.formats("rf"),
		Portal: a.bytes(), Statement: a.bytes(), Parameters: a.values(),
	}
}

func target(a *arguments) messages.Target {
	if string(a.bytes()) == "statement" {
		return messages.TargetStatement
	}
	return messages.TargetPortal
}

func describe(a *arguments) messages.Message {
	return &messages.Describe{Target: target(a), Name: a.bytes()}
}

func execute(a *arguments) messages.Message {
	m := &messages.Execute{Portal: a.bytes()}
	if len(a.words) > 0 {
		m.MaxRows = int32(a.int())
	}
	return m
}

func functionCall(a *arguments) messages.Message {
	return &messages.FunctionCall{
		FunctionOID: uint32(a.int()), ArgumentFormats: a.formats("pf"), Arguments: a.values(),
	}
}

func rowDescription(a *arguments) messages.Message {
	m := &messages.RowDescription{}
	for len(a.words) > 0 {
		f := strings.Split(string(a.bytes()), ":")
		check(len(f) == 3, f)
		oid, err1 := strconv.ParseUint(f[1], 10, 32)
		format, err2 := strconv.ParseInt(f[2], 10, 16)
		check(err1 == nil && err2 == nil, f)
		m.Fields = append(m.Fields, messages.ColumnDescription{
			Name: []byte(f[0]), TypeOID: uint32(oid), TypeSize: -1, TypeModifier: -1, Format: int16(format),
		})
	}
	return m
}

// failure are the fields of an error or a notice: severity, SQLSTATE, message,
// and any others as X=value, by their type byte.
func failure(a *arguments) messages.ErrorFields {
	severity, state, text := a.bytes(), a.bytes(), a.bytes()
	f := []messages.ErrorField{
		{Type: messages.FieldSeverityLocalized, Value: severity},
		{Type: messages.FieldSeverity, Value: severity},
		{Type: messages.FieldSQLState, Value: state},
		{Type: messages.FieldMessage, Value: text},
	}
	for len(a.words) > 0 {
		w := a.bytes()
		check(len(w) > 1 && w[1] == '=', string(w))
		f = append(f, messages.ErrorField{Type: w[0], Value: w[2:]})
	}
	return messages.ErrorFields{Fields: f}
}
