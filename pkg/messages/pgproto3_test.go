package messages_test

import (
	"bytes"
	"slices"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// peerMessage is a message of pgproto3, of either direction.
type peerMessage interface {
	Decode(body []byte) error
	Encode(dst []byte) ([]byte, error)
}

// peerDeviates names the samples on which pgproto3 differs from the protocol, or
// holds less than was sent, and why. A test fails if one does not differ.
var peerDeviates = map[string]string{
	"StartupMessage 3.2, option, empty value, name twice": "keeps parameters in a map: no repetition",
	"StartupMessage 3.9999, replication":                  "refuses versions other than 3.0 and 3.2",
	"StartupMessage 4.0":                                  "refuses versions other than 3.0 and 3.2",
	"StartupMessage without parameters":                   "refuses it",
	"SASLInitialResponse, no data":                        "does not tell absent data from empty",
	"NoticeResponse":                                      "does not tell an empty field from an absent one",
	"ErrorResponse, unknown field and one twice":          "keeps the last of a type sent twice",
}

func TestAgainstPgproto3(t *testing.T) {
	compared := 0
	for _, s := range allSamples() {
		peer := peerOf(s.Kind)
		if peer == nil {
			continue
		}
		compared++
		reason, known := peerDeviates[s.Name]
		body := bytes.Clone(s.Body())
		if err := peer.Decode(body); err != nil {
			if !known {
				t.Errorf("%s: pgproto3 refuses it: %v", s.Name, err)
			}
			continue
		}
		wire, err := peer.Encode(nil)
		if err != nil {
			t.Errorf("%s: pgproto3 cannot encode it: %v", s.Name, err)
			continue
		}
		var ours, theirs dump
		visitSorted(s.Message, &ours)
		visitSorted(translate(peer), &theirs)
		// pgproto3 writes startup parameters in random order.
		differ := ours.String() != theirs.String() || s.Kind != messages.KindStartupMessage && !bytes.Equal(wire, s.Wire)
		switch {
		case !differ && known:
			t.Errorf("%s: pgproto3 agrees, though it %s", s.Name, reason)
		case differ && !known:
			t.Errorf("%s:\nours   %.300s\ntheirs %.300s\nwire   %.100x\ntheirs %.100x", s.Name, ours.String(), theirs.String(), s.Wire, wire)
		}
	}
	if compared < 80 {
		t.Errorf("only %d samples were compared", compared)
	}
}

// visitSorted visits m with startup parameters in the order of their names.
func visitSorted(m messages.Message, v messages.Visitor) {
	if startup, ok := m.(*messages.StartupMessage); ok {
		sorted := *startup
		sorted.Parameters = slices.SortedStableFunc(slices.Values(startup.Parameters), func(a, b messages.Pair) int {
			return bytes.Compare(a.Name, b.Name)
		})
		m = &sorted
	}
	m.Visit(v)
}

// peerOf returns pgproto3's message of a kind, nil where it has none.
func peerOf(k messages.Kind) peerMessage {
	switch k {
	case messages.KindStartupMessage:
		return &pgproto3.StartupMessage{}
	case messages.KindSSLRequest:
		return &pgproto3.SSLRequest{}
	case messages.KindGSSENCRequest:
		return &pgproto3.GSSEncRequest{}
	case messages.KindCancelRequest:
		return &pgproto3.CancelRequest{}
	case messages.KindNegotiateProtocolVersion:
		return &pgproto3.NegotiateProtocolVersion{}
	case messages.KindBackendKeyData:
		return &pgproto3.BackendKeyData{}
	case messages.KindParameterStatus:
		return &pgproto3.ParameterStatus{}
	case messages.KindAuthenticationOk:
		return &pgproto3.AuthenticationOk{}
	case messages.KindAuthenticationCleartextPassword:
		return &pgproto3.AuthenticationCleartextPassword{}
	case messages.KindAuthenticationMD5Password:
		return &pgproto3.AuthenticationMD5Password{}
	case messages.KindAuthenticationGSS:
		return &pgproto3.AuthenticationGSS{}
	case messages.KindAuthenticationGSSContinue:
		return &pgproto3.AuthenticationGSSContinue{}
	case messages.KindAuthenticationSASL:
		return &pgproto3.AuthenticationSASL{}
	case messages.KindAuthenticationSASLContinue:
		return &pgproto3.AuthenticationSASLContinue{}
	case messages.KindAuthenticationSASLFinal:
		return &pgproto3.AuthenticationSASLFinal{}
	case messages.KindPasswordMessage:
		return &pgproto3.PasswordMessage{}
	case messages.KindSASLInitialResponse:
		return &pgproto3.SASLInitialResponse{}
	case messages.KindSASLResponse:
		return &pgproto3.SASLResponse{}
	case messages.KindGSSResponse:
		return &pgproto3.GSSResponse{}
	}
	return queryPeerOf(k)
}

func queryPeerOf(k messages.Kind) peerMessage {
	switch k {
	case messages.KindQuery:
		return &pgproto3.Query{}
	case messages.KindRowDescription:
		return &pgproto3.RowDescription{}
	case messages.KindDataRow:
		return &pgproto3.DataRow{}
	case messages.KindCommandComplete:
		return &pgproto3.CommandComplete{}
	case messages.KindEmptyQueryResponse:
		return &pgproto3.EmptyQueryResponse{}
	case messages.KindReadyForQuery:
		return &pgproto3.ReadyForQuery{}
	case messages.KindParse:
		return &pgproto3.Parse{}
	case messages.KindBind:
		return &pgproto3.Bind{}
	case messages.KindDescribe:
		return &pgproto3.Describe{}
	case messages.KindExecute:
		return &pgproto3.Execute{}
	case messages.KindClose:
		return &pgproto3.Close{}
	case messages.KindFlush:
		return &pgproto3.Flush{}
	case messages.KindSync:
		return &pgproto3.Sync{}
	case messages.KindParseComplete:
		return &pgproto3.ParseComplete{}
	case messages.KindBindComplete:
		return &pgproto3.BindComplete{}
	case messages.KindCloseComplete:
		return &pgproto3.CloseComplete{}
	case messages.KindParameterDescription:
		return &pgproto3.ParameterDescription{}
	case messages.KindNoData:
		return &pgproto3.NoData{}
	case messages.KindPortalSuspended:
		return &pgproto3.PortalSuspended{}
	case messages.KindCopyData:
		return &pgproto3.CopyData{}
	case messages.KindCopyDone:
		return &pgproto3.CopyDone{}
	case messages.KindCopyFail:
		return &pgproto3.CopyFail{}
	case messages.KindCopyInResponse:
		return &pgproto3.CopyInResponse{}
	case messages.KindCopyOutResponse:
		return &pgproto3.CopyOutResponse{}
	case messages.KindCopyBothResponse:
		return &pgproto3.CopyBothResponse{}
	case messages.KindFunctionCall:
		return &pgproto3.FunctionCall{}
	case messages.KindFunctionCallResponse:
		return &pgproto3.FunctionCallResponse{}
	case messages.KindErrorResponse:
		return &pgproto3.ErrorResponse{}
	case messages.KindNoticeResponse:
		return &pgproto3.NoticeResponse{}
	case messages.KindNotificationResponse:
		return &pgproto3.NotificationResponse{}
	case messages.KindTerminate:
		return &pgproto3.Terminate{}
	}
	return nil
}

// translate makes our message of one of pgproto3's that has fields.
func translate(peer peerMessage) messages.Message {
	switch m := peer.(type) {
	case *pgproto3.StartupMessage:
		out := &messages.StartupMessage{Version: messages.ProtocolVersion(m.ProtocolVersion)}
		for k, v := range m.Parameters {
			out.Parameters = append(out.Parameters, messages.Pair{Name: []byte(k), Value: []byte(v)})
		}
		return out
	case *pgproto3.CancelRequest:
		return &messages.CancelRequest{ProcessID: m.ProcessID, SecretKey: m.SecretKey}
	case *pgproto3.NegotiateProtocolVersion:
		return &messages.NegotiateProtocolVersion{Newest: m.NewestMinorProtocol, Unsupported: byteSlices(m.UnrecognizedOptions)}
	case *pgproto3.BackendKeyData:
		return &messages.BackendKeyData{ProcessID: m.ProcessID, SecretKey: m.SecretKey}
	case *pgproto3.ParameterStatus:
		return &messages.ParameterStatus{Name: []byte(m.Name), Value: []byte(m.Value)}
	case *pgproto3.AuthenticationMD5Password:
		return &messages.AuthenticationMD5Password{Salt: m.Salt}
	case *pgproto3.AuthenticationGSSContinue:
		return &messages.AuthenticationGSSContinue{Data: m.Data}
	case *pgproto3.AuthenticationSASL:
		return &messages.AuthenticationSASL{Mechanisms: byteSlices(m.AuthMechanisms)}
	case *pgproto3.AuthenticationSASLContinue:
		return &messages.AuthenticationSASLContinue{Data: m.Data}
	case *pgproto3.AuthenticationSASLFinal:
		return &messages.AuthenticationSASLFinal{Data: m.Data}
	case *pgproto3.PasswordMessage:
		return &messages.PasswordMessage{Password: []byte(m.Password)}
	case *pgproto3.SASLInitialResponse:
		return &messages.SASLInitialResponse{Mechanism: []byte(m.AuthMechanism), Data: m.Data}
	case *pgproto3.SASLResponse:
		return &messages.SASLResponse{Data: m.Data}
	case *pgproto3.GSSResponse:
		return &messages.GSSResponse{Data: m.Data}
	}
	return translateQuery(peer)
}

func translateQuery(peer peerMessage) messages.Message {
	switch m := peer.(type) {
	case *pgproto3.Query:
		return &messages.Query{SQL: []byte(m.String)}
	case *pgproto3.RowDescription:
		out := &messages.RowDescription{}
		for _, f := range m.Fields {
			out.Fields = append(out.Fields, messages.ColumnDescription{
				Name: f.Name, TableOID: f.TableOID, Column: int16(f.TableAttributeNumber), TypeOID: f.DataTypeOID,
				TypeSize: f.DataTypeSize, TypeModifier: f.TypeModifier, Format: f.Format,
			})
		}
		return out
	case *pgproto3.DataRow:
		return &messages.DataRow{Values: messages.MakeValues(m.Values...)}
	case *pgproto3.CommandComplete:
		return &messages.CommandComplete{Tag: m.CommandTag}
	case *pgproto3.ReadyForQuery:
		return &messages.ReadyForQuery{Status: messages.TxStatus(m.TxStatus)}
	case *pgproto3.Parse:
		return &messages.Parse{Statement: []byte(m.Name), SQL: []byte(m.Query), ParameterOIDs: m.ParameterOIDs}
	case *pgproto3.Bind:
		return &messages.Bind{
			Portal: []byte(m.DestinationPortal), Statement: []byte(m.PreparedStatement), ParameterFormats: m.ParameterFormatCodes,
			Parameters: messages.MakeValues(m.Parameters...), ResultFormats: m.ResultFormatCodes,
		}
	case *pgproto3.Describe:
		return &messages.Describe{Target: messages.Target(m.ObjectType), Name: []byte(m.Name)}
	case *pgproto3.Execute:
		return &messages.Execute{Portal: []byte(m.Portal), MaxRows: int32(m.MaxRows)}
	case *pgproto3.Close:
		return &messages.Close{Target: messages.Target(m.ObjectType), Name: []byte(m.Name)}
	case *pgproto3.ParameterDescription:
		return &messages.ParameterDescription{ParameterOIDs: m.ParameterOIDs}
	case *pgproto3.CopyData:
		return &messages.CopyData{Data: m.Data}
	case *pgproto3.CopyFail:
		return &messages.CopyFail{Message: []byte(m.Message)}
	case *pgproto3.CopyInResponse:
		return &messages.CopyInResponse{CopyFormats: copyFormats(m.OverallFormat, m.ColumnFormatCodes)}
	case *pgproto3.CopyOutResponse:
		return &messages.CopyOutResponse{CopyFormats: copyFormats(m.OverallFormat, m.ColumnFormatCodes)}
	case *pgproto3.CopyBothResponse:
		return &messages.CopyBothResponse{CopyFormats: copyFormats(m.OverallFormat, m.ColumnFormatCodes)}
	case *pgproto3.FunctionCall:
		return &messages.FunctionCall{
			FunctionOID: m.Function, ArgumentFormats: formats(m.ArgFormatCodes),
			Arguments: messages.MakeValues(m.Arguments...), ResultFormat: int16(m.ResultFormatCode),
		}
	case *pgproto3.FunctionCallResponse:
		return &messages.FunctionCallResponse{Result: m.Result}
	case *pgproto3.ErrorResponse:
		return &messages.ErrorResponse{ErrorFields: errorFields(m)}
	case *pgproto3.NoticeResponse:
		return &messages.NoticeResponse{ErrorFields: errorFields((*pgproto3.ErrorResponse)(m))}
	case *pgproto3.NotificationResponse:
		return &messages.NotificationResponse{ProcessID: m.PID, Channel: []byte(m.Channel), Payload: []byte(m.Payload)}
	}
	return &messages.Sync{} // stands for all that have no fields
}

func byteSlices(list []string) (out [][]byte) {
	for _, s := range list {
		out = append(out, []byte(s))
	}
	return out
}

func formats(list []uint16) (out []int16) {
	for _, f := range list {
		out = append(out, int16(f))
	}
	return out
}

func copyFormats(format byte, columns []uint16) messages.CopyFormats {
	return messages.CopyFormats{Format: format, ColumnFormats: formats(columns)}
}

// errorFields puts the fields in the order in which servers send them. pgproto3
// does not tell an empty field from an absent one; message is never absent.
func errorFields(m *pgproto3.ErrorResponse) messages.ErrorFields {
	var out messages.ErrorFields
	add := func(t byte, s string) {
		if s != "" || t == messages.FieldMessage && m.Code != "" {
			out.Fields = append(out.Fields, messages.ErrorField{Type: t, Value: []byte(s)})
		}
	}
	number := func(t byte, n int32) {
		if n != 0 {
			add(t, strconv.Itoa(int(n)))
		}
	}
	add('S', m.Severity)
	add('V', m.SeverityUnlocalized)
	add('C', m.Code)
	add('M', m.Message)
	add('D', m.Detail)
	add('H', m.Hint)
	number('P', m.Position)
	number('p', m.InternalPosition)
	add('q', m.InternalQuery)
	add('W', m.Where)
	add('s', m.SchemaName)
	add('t', m.TableName)
	add('c', m.ColumnName)
	add('d', m.DataTypeName)
	add('n', m.ConstraintName)
	add('F', m.File)
	number('L', m.Line)
	add('R', m.Routine)
	for t, s := range m.UnknownFields {
		add(t, s)
	}
	return out
}
