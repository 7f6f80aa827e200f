package samples

import (
	"strings"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// most is the greatest count of an Int16 without sign.
const most = 65535

func large() []Sample {
	const busy = messages.PhaseExtendedQuery
	oids := make([]uint32, most)
	formats := make([]int16, most)
	for i := range oids {
		oids[i], formats[i] = 25, 1
	}
	var nulls messages.Values
	for range most {
		nulls.Add(nil)
	}
	row := messages.MakeValues()
	var columns []messages.ColumnDescription
	for range 1664 {
		row.Add(b("v"))
		columns = append(columns, messages.ColumnDescription{Name: b("c"), TypeOID: 25, TypeSize: -1, TypeModifier: -1})
	}
	sql := strings.Repeat("SELECT 1;\n", 30_000)
	return []Sample{
		frontend("Parse, 65535 parameters", busy, 'P', "\x00SELECT\x00\xff\xff"+strings.Repeat(i32(25), most),
			&messages.Parse{Statement: b(""), SQL: b("SELECT"), ParameterOIDs: oids}),
		frontend("Bind, 65535 parameters", busy, 'B',
			"\x00\x00\xff\xff"+strings.Repeat(i16(1), most)+"\xff\xff"+strings.Repeat(null, most)+i16(0),
			&messages.Bind{Portal: b(""), Statement: b(""), ParameterFormats: formats, Parameters: nulls}),
		backend("ParameterDescription, 65535 parameters", busy, 't', "\xff\xff"+strings.Repeat(i32(25), most),
			&messages.ParameterDescription{ParameterOIDs: oids}),
		backend("RowDescription, 1664 columns", busy, 'T', i16(1664)+strings.Repeat(column("c", 0, 0, 25, -1, -1, 0), 1664),
			&messages.RowDescription{Fields: columns}),
		backend("DataRow, 1664 columns", busy, 'D', i16(1664)+strings.Repeat(val("v"), 1664), &messages.DataRow{Values: row}),
		frontend("Query, 300 kB", messages.PhaseReady, 'Q', sql+"\x00", &messages.Query{SQL: b(sql)}),
	}
}
