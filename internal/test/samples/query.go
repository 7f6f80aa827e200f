package samples

import "github.com/pgsniff/pgsniff/pkg/messages"

func simple() []Sample {
	const busy = messages.PhaseSimpleQuery
	s := []Sample{
		frontend("Query", messages.PhaseReady, 'Q', "SELECT 'Grüße', 1;\n-- end\x00", &messages.Query{SQL: b("SELECT 'Grüße', 1;\n-- end")}),
		frontend("Query, empty", messages.PhaseReady, 'Q', "\x00", &messages.Query{SQL: b("")}),
		frontend("Query, LATIN1", messages.PhaseReady, 'Q', "SELECT '\xfc'\x00", &messages.Query{SQL: b("SELECT '\xfc'")}),
		backend("EmptyQueryResponse", busy, 'I', "", &messages.EmptyQueryResponse{}),
		backend("ReadyForQuery idle", busy, 'Z', "I", &messages.ReadyForQuery{Status: 'I'}),
		backend("ReadyForQuery in transaction", busy, 'Z', "T", &messages.ReadyForQuery{Status: 'T'}),
		backend("ReadyForQuery failed transaction", busy, 'Z', "E", &messages.ReadyForQuery{Status: 'E'}),
	}
	for _, tag := range []string{"SELECT 5", "INSERT 0 1", "COPY 18446744073709551615", "BEGIN", "CREATE TABLE", "START_REPLICATION"} {
		s = append(s, backend("CommandComplete "+tag, busy, 'C', tag+"\x00", &messages.CommandComplete{Tag: b(tag)}))
	}
	return s
}

// column is a RowDescription's field on the wire.
func column(name string, table, attribute, typ, size, modifier, format int) string {
	return name + "\x00" + i32(table) + i16(attribute) + i32(typ) + i16(size) + i32(modifier) + i16(format)
}

func results() []Sample {
	const busy = messages.PhaseSimpleQuery
	return []Sample{
		backend("RowDescription", busy, 'T', i16(3)+column("id", 16384, 1, 23, 4, -1, 0)+
			column("?column?", 0, 0, 25, -1, -1, 1)+column("ctid", 0xfffffffe, -1, 1043, -2, 44, 0),
			&messages.RowDescription{Fields: []messages.ColumnDescription{
				{Name: b("id"), TableOID: 16384, Column: 1, TypeOID: 23, TypeSize: 4, TypeModifier: -1},
				{Name: b("?column?"), TypeOID: 25, TypeSize: -1, TypeModifier: -1, Format: 1},
				{Name: b("ctid"), TableOID: 0xfffffffe, Column: -1, TypeOID: 1043, TypeSize: -2, TypeModifier: 44},
			}}),
		backend("RowDescription, no columns", busy, 'T', i16(0), &messages.RowDescription{}),
		backend("DataRow", busy, 'D', i16(4)+val("1")+null+val("")+val("\x00\xff\x80"),
			&messages.DataRow{Values: messages.MakeValues(b("1"), nil, b(""), b("\x00\xff\x80"))}),
		backend("DataRow, no columns", busy, 'D', i16(0), &messages.DataRow{}),
		backend("DataRow, NULL alone", busy, 'D', i16(1)+null, &messages.DataRow{Values: messages.MakeValues(nil)}),
	}
}

func extended() []Sample {
	const (
		ready = messages.PhaseReady
		busy  = messages.PhaseExtendedQuery
	)
	return []Sample{
		frontend("Parse", ready, 'P', "stmt_1\x00SELECT $1, $2\x00"+i16(2)+i32(23)+i32(0),
			&messages.Parse{Statement: b("stmt_1"), SQL: b("SELECT $1, $2"), ParameterOIDs: []uint32{23, 0}}),
		frontend("Parse, unnamed, no types", ready, 'P', "\x00BEGIN\x00"+i16(0), &messages.Parse{Statement: b(""), SQL: b("BEGIN")}),
		frontend("Bind", busy, 'B', "c1\x00stmt_1\x00"+i16(2)+i16(0)+i16(1)+i16(2)+val("42")+null+i16(1)+i16(1),
			&messages.Bind{
				Portal: b("c1"), Statement: b("stmt_1"), ParameterFormats: []int16{0, 1},
				Parameters: messages.MakeValues(b("42"), nil), ResultFormats: []int16{1},
			}),
		frontend("Bind, nothing", busy, 'B', "\x00\x00"+i16(0)+i16(0)+i16(0),
			&messages.Bind{Portal: b(""), Statement: b("")}),
		frontend("Bind, one format for all, formats for each result", busy, 'B',
			"\x00s\x00"+i16(1)+i16(1)+i16(3)+val("\x00\x00\x00\x07")+val("")+null+i16(2)+i16(0)+i16(1),
			&messages.Bind{
				Portal: b(""), Statement: b("s"), ParameterFormats: []int16{1},
				Parameters: messages.MakeValues(b("\x00\x00\x00\x07"), b(""), nil), ResultFormats: []int16{0, 1},
			}),
		frontend("Describe statement", busy, 'D', "Sstmt_1\x00", &messages.Describe{Target: messages.TargetStatement, Name: b("stmt_1")}),
		frontend("Describe portal", busy, 'D', "P\x00", &messages.Describe{Target: messages.TargetPortal, Name: b("")}),
		frontend("Close statement", busy, 'C', "Sstmt_1\x00", &messages.Close{Target: messages.TargetStatement, Name: b("stmt_1")}),
		frontend("Close portal", busy, 'C', "Pc1\x00", &messages.Close{Target: messages.TargetPortal, Name: b("c1")}),
		frontend("Execute", busy, 'E', "c1\x00"+i32(100), &messages.Execute{Portal: b("c1"), MaxRows: 100}),
		frontend("Execute, unnamed, no limit", busy, 'E', "\x00"+i32(0), &messages.Execute{Portal: b("")}),
		frontend("Flush", busy, 'H', "", &messages.Flush{}),
		frontend("Sync", busy, 'S', "", &messages.Sync{}),
		backend("ParseComplete", busy, '1', "", &messages.ParseComplete{}),
		backend("BindComplete", busy, '2', "", &messages.BindComplete{}),
		backend("CloseComplete", busy, '3', "", &messages.CloseComplete{}),
		backend("NoData", busy, 'n', "", &messages.NoData{}),
		backend("PortalSuspended", busy, 's', "", &messages.PortalSuspended{}),
		backend("ParameterDescription", busy, 't', i16(2)+i32(23)+i32(0xf0000001),
			&messages.ParameterDescription{ParameterOIDs: []uint32{23, 0xf0000001}}),
		backend("ParameterDescription, no parameters", busy, 't', i16(0), &messages.ParameterDescription{}),
	}
}

func functionCall() []Sample {
	const busy = messages.PhaseFunctionCall
	return []Sample{
		frontend("FunctionCall", messages.PhaseReady, 'F', i32(952)+i16(1)+i16(1)+i16(2)+val("\x00\x00\x00\x01")+null+i16(1),
			&messages.FunctionCall{
				FunctionOID: 952, ArgumentFormats: []int16{1},
				Arguments: messages.MakeValues(b("\x00\x00\x00\x01"), nil), ResultFormat: 1,
			}),
		frontend("FunctionCall, no arguments", messages.PhaseReady, 'F', i32(2229)+i16(0)+i16(0)+i16(0),
			&messages.FunctionCall{FunctionOID: 2229}),
		backend("FunctionCallResponse", busy, 'V', val("\x00\x00\x00\x07"), &messages.FunctionCallResponse{Result: b("\x00\x00\x00\x07")}),
		backend("FunctionCallResponse, empty", busy, 'V', val(""), &messages.FunctionCallResponse{Result: b("")}),
		backend("FunctionCallResponse, NULL", busy, 'V', null, &messages.FunctionCallResponse{}),
	}
}
