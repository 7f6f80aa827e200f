package samples

import "github.com/pgsniff/pgsniff/pkg/messages"

func copying() []Sample {
	const (
		in    = messages.PhaseCopyIn
		out   = messages.PhaseCopyOut
		both  = messages.PhaseCopyBoth
		query = messages.PhaseSimpleQuery
	)
	text := messages.CopyFormats{ColumnFormats: []int16{0, 0}}
	binary := messages.CopyFormats{Format: 1, ColumnFormats: []int16{1, 1, 0}}
	return []Sample{
		backend("CopyInResponse, text", query, 'G', "\x00"+i16(2)+i16(0)+i16(0), &messages.CopyInResponse{CopyFormats: text}),
		backend("CopyInResponse, binary", query, 'G', "\x01"+i16(3)+i16(1)+i16(1)+i16(0), &messages.CopyInResponse{CopyFormats: binary}),
		backend("CopyOutResponse", query, 'H', "\x00"+i16(2)+i16(0)+i16(0), &messages.CopyOutResponse{CopyFormats: text}),
		backend("CopyOutResponse, no columns", query, 'H', "\x00"+i16(0), &messages.CopyOutResponse{}),
		backend("CopyBothResponse", query, 'W', "\x00"+i16(0), &messages.CopyBothResponse{}),
		backend("CopyBothResponse, binary", query, 'W', "\x01"+i16(3)+i16(1)+i16(1)+i16(0), &messages.CopyBothResponse{CopyFormats: binary}),

		frontend("CopyData from frontend", in, 'd', "1\tone\n", &messages.CopyData{Data: b("1\tone\n")}),
		backend("CopyData from backend", out, 'd', "PGCOPY\n\xff\r\n\x00", &messages.CopyData{Data: b("PGCOPY\n\xff\r\n\x00")}),
		backend("CopyData, keepalive", both, 'd', "k\x00\x00\x00\x00\x01\x93\x00\x28\x00\x02\xa0\x00\x00\x00\x00\x00\x01",
			&messages.CopyData{Data: b("k\x00\x00\x00\x00\x01\x93\x00\x28\x00\x02\xa0\x00\x00\x00\x00\x00\x01")}),
		frontend("CopyData, empty", in, 'd', "", &messages.CopyData{Data: b("")}),
		frontend("CopyDone from frontend", in, 'c', "", &messages.CopyDone{}),
		backend("CopyDone from backend", out, 'c', "", &messages.CopyDone{}),
		frontend("CopyFail", in, 'f', "no more input\x00", &messages.CopyFail{Message: b("no more input")}),
		frontend("CopyFail, empty", in, 'f', "\x00", &messages.CopyFail{Message: b("")}),
	}
}
