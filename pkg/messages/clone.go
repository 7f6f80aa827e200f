package messages

import (
	"bytes"
	"slices"
)

// Clone returns a copy of m that borrows nothing: it stays as it is whatever
// happens to the bytes that m was decoded from. Messages that a Decoder or a
// connection returns are used again for the next one; Clone is for keeping them.
// It returns nil for nil, which may stand beside an error.
func Clone(m Message) Message {
	switch m := m.(type) {
	case nil:
		return nil
	case *StartupMessage:
		return &StartupMessage{m.Version, clonePairs(m.Parameters), m.zero}
	case *CancelRequest:
		return &CancelRequest{m.ProcessID, bytes.Clone(m.SecretKey)}
	case *BackendKeyData:
		return &BackendKeyData{m.ProcessID, bytes.Clone(m.SecretKey)}
	case *NegotiateProtocolVersion:
		return &NegotiateProtocolVersion{m.Newest, cloneAll(m.Unsupported)}
	case *ParameterStatus:
		return &ParameterStatus{bytes.Clone(m.Name), bytes.Clone(m.Value)}
	case *StartupMessageV2:
		c := *m
		for _, f := range c.fields() {
			*f.value = bytes.Clone(*f.value)
		}
		return &c
	case *ErrorResponseV2:
		return &ErrorResponseV2{bytes.Clone(m.Text)}
	case *Unknown:
		c := *m
		c.Body = bytes.Clone(m.Body)
		return &c
	}
	if c := cloneAuthentication(m); c != nil {
		return c
	}
	if c := cloneQuery(m); c != nil {
		return c
	}
	return cloneFixed(m)
}

// cloneAuthentication is Clone for the messages of authentication that borrow.
func cloneAuthentication(m Message) Message {
	switch m := m.(type) {
	case *AuthenticationGSSContinue:
		return &AuthenticationGSSContinue{bytes.Clone(m.Data)}
	case *AuthenticationSASL:
		return &AuthenticationSASL{cloneAll(m.Mechanisms)}
	case *AuthenticationSASLContinue:
		return &AuthenticationSASLContinue{bytes.Clone(m.Data)}
	case *AuthenticationSASLFinal:
		return &AuthenticationSASLFinal{bytes.Clone(m.Data)}
	case *PasswordMessage:
		return &PasswordMessage{bytes.Clone(m.Password)}
	case *SASLInitialResponse:
		return &SASLInitialResponse{bytes.Clone(m.Mechanism), bytes.Clone(m.Data)}
	case *SASLResponse:
		return &SASLResponse{bytes.Clone(m.Data)}
	case *GSSResponse:
		return &GSSResponse{bytes.Clone(m.Data)}
	}
	return nil
}

// cloneQuery is Clone for the messages in session that borrow.
func cloneQuery(m Message) Message {
	switch m := m.(type) {
	case *Query:
		return &Query{bytes.Clone(m.SQL)}
	case *RowDescription:
		return &RowDescription{cloneColumns(m.Fields)}
	case *DataRow:
		return &DataRow{cloneAll(m.Values)}
	case *CommandComplete:
		return &CommandComplete{bytes.Clone(m.Tag)}
	case *Parse:
		return &Parse{bytes.Clone(m.Statement), bytes.Clone(m.SQL), slices.Clone(m.ParameterOIDs)}
	case *Bind:
		return &Bind{
			bytes.Clone(m.Portal), bytes.Clone(m.Statement), slices.Clone(m.ParameterFormats), cloneAll(m.Parameters),
			slices.Clone(m.ResultFormats),
		}
	case *Describe:
		return &Describe{m.Target, bytes.Clone(m.Name)}
	case *Close:
		return &Close{m.Target, bytes.Clone(m.Name)}
	case *Execute:
		return &Execute{bytes.Clone(m.Portal), m.MaxRows}
	case *ParameterDescription:
		return &ParameterDescription{slices.Clone(m.ParameterOIDs)}
	case *CopyData:
		return &CopyData{bytes.Clone(m.Data)}
	case *CopyFail:
		return &CopyFail{bytes.Clone(m.Message)}
	case *CopyInResponse:
		return &CopyInResponse{m.clone()}
	case *CopyOutResponse:
		return &CopyOutResponse{m.clone()}
	case *CopyBothResponse:
		return &CopyBothResponse{m.clone()}
	case *FunctionCall:
		return &FunctionCall{m.FunctionOID, slices.Clone(m.ArgumentFormats), cloneAll(m.Arguments), m.ResultFormat}
	case *FunctionCallResponse:
		return &FunctionCallResponse{bytes.Clone(m.Result)}
	case *ErrorResponse:
		return &ErrorResponse{m.clone()}
	case *NoticeResponse:
		return &NoticeResponse{m.clone()}
	case *NotificationResponse:
		return &NotificationResponse{m.ProcessID, bytes.Clone(m.Channel), bytes.Clone(m.Payload)}
	}
	return nil
}

// cloneFixed is Clone for the messages that borrow nothing.
func cloneFixed(m Message) Message {
	switch m := m.(type) {
	case *ReadyForQuery:
		c := *m
		return &c
	case *SSLResponse:
		c := *m
		return &c
	case *GSSENCResponse:
		c := *m
		return &c
	case *AuthenticationMD5Password:
		c := *m
		return &c
	}
	return m.Kind().New() // it has no fields
}

// cloneAll copies a list of byte strings, into memory that they share.
func cloneAll[S ~[][]byte](list S) S {
	if list == nil {
		return nil
	}
	total := 0
	for _, b := range list {
		total += len(b)
	}
	memory := make([]byte, 0, total)
	out := make(S, len(list))
	for i, b := range list {
		if b != nil {
			memory = append(memory, b...)
			out[i] = slices.Clip(memory[len(memory)-len(b):])
		}
	}
	return out
}

func clonePairs(list []Pair) []Pair {
	list = slices.Clone(list)
	for i, p := range list {
		list[i] = Pair{bytes.Clone(p.Name), bytes.Clone(p.Value)}
	}
	return list
}

func cloneColumns(list []ColumnDescription) []ColumnDescription {
	list = slices.Clone(list)
	for i := range list {
		list[i].Name = bytes.Clone(list[i].Name)
	}
	return list
}

func (f *CopyFormats) clone() CopyFormats {
	return CopyFormats{f.Format, slices.Clone(f.ColumnFormats)}
}

func (e *ErrorFields) clone() ErrorFields {
	fields := slices.Clone(e.Fields)
	for i := range fields {
		fields[i].Value = bytes.Clone(fields[i].Value)
	}
	return ErrorFields{fields}
}
