package samples

import "github.com/pgsniff/pgsniff/pkg/messages"

// fields makes the fields of an ErrorResponse from pairs of type and value.
func fields(pairs ...string) messages.ErrorFields {
	var e messages.ErrorFields
	for i := 0; i < len(pairs); i += 2 {
		e.Fields = append(e.Fields, messages.ErrorField{Type: pairs[i][0], Value: b(pairs[i+1])})
	}
	return e
}

func errorsAndNotices() []Sample {
	const busy = messages.PhaseSimpleQuery
	return []Sample{
		backend("ErrorResponse", busy, 'E',
			"SFEHLER\x00VERROR\x00C42P01\x00MRelation »x« existiert nicht\x00P15\x00Fparse_relation.c\x00L1449\x00RparserOpenTable\x00\x00",
			&messages.ErrorResponse{ErrorFields: fields("S", "FEHLER", "V", "ERROR", "C", "42P01", "M", "Relation »x« existiert nicht",
				"P", "15", "F", "parse_relation.c", "L", "1449", "R", "parserOpenTable")}),
		backend("ErrorResponse, every field", busy, 'E',
			"SERROR\x00VERROR\x00C23505\x00Mm\x00Dd\x00Hh\x00P1\x00p2\x00qSELECT\x00Ww\x00spublic\x00tt\x00cc\x00dint4\x00nn_pkey\x00Ff\x00L3\x00Rr\x00\x00",
			&messages.ErrorResponse{ErrorFields: fields("S", "ERROR", "V", "ERROR", "C", "23505", "M", "m", "D", "d", "H", "h", "P", "1",
				"p", "2", "q", "SELECT", "W", "w", "s", "public", "t", "t", "c", "c", "d", "int4", "n", "n_pkey", "F", "f", "L", "3", "R", "r")}),
		backend("ErrorResponse, unknown field and one twice", busy, 'E',
			"SFATAL\x00C57P01\x00Zfuture\x00Mfirst\x00Msecond\x00\x00",
			&messages.ErrorResponse{ErrorFields: fields("S", "FATAL", "C", "57P01", "Z", "future", "M", "first", "M", "second")}),
		backend("ErrorResponse, no fields", busy, 'E', "\x00", &messages.ErrorResponse{}),
		backend("NoticeResponse", busy, 'N', "SNOTICE\x00VNOTICE\x00C00000\x00M\x00\x00",
			&messages.NoticeResponse{ErrorFields: fields("S", "NOTICE", "V", "NOTICE", "C", "00000", "M", "")}),
	}
}

func asynchronous() []Sample {
	return []Sample{
		backend("NotificationResponse", messages.PhaseReady, 'A', i32(4711)+"jobs\x00{\"id\": 1}\x00",
			&messages.NotificationResponse{ProcessID: 4711, Channel: b("jobs"), Payload: b(`{"id": 1}`)}),
		backend("NotificationResponse, no payload", messages.PhaseReady, 'A', i32(4711)+"jobs\x00\x00",
			&messages.NotificationResponse{ProcessID: 4711, Channel: b("jobs"), Payload: b("")}),
		frontend("Terminate", messages.PhaseReady, 'X', "", &messages.Terminate{}),
	}
}

func unknown() []Sample {
	return []Sample{
		frontend("Unknown from frontend", messages.PhaseReady, 'y', "\x01\x02", &messages.Unknown{Tag: 'y', Body: b("\x01\x02")}),
		backend("Unknown from backend, empty", messages.PhaseReady, 0x80, "", &messages.Unknown{Tag: 0x80, Body: b("")}),
		backend("Unknown authentication", messages.PhaseAuthenticating, 'R', i32(13)+"x", &messages.Unknown{Tag: 'R', Body: b(i32(13) + "x")}),
	}
}
