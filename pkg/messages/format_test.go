package messages_test

import (
	"fmt"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

func TestFormatOf(t *testing.T) {
	for _, tt := range []struct {
		formats []int16
		want    string
	}{
		{nil, "[0 0 0]"}, {[]int16{1}, "[1 1 1]"}, {[]int16{0}, "[0 0 0]"}, {[]int16{0, 1, 1}, "[0 1 1]"}, {[]int16{1, 1}, "[1 1 0]"},
	} {
		bind := messages.Bind{ParameterFormats: tt.formats, ResultFormats: tt.formats}
		d := messages.RowDescription{Fields: make([]messages.ColumnDescription, 3)}
		d.SetResultFormats(tt.formats)
		var of, parameters, results, columns []int16
		for i := range 3 {
			of = append(of, messages.FormatOf(tt.formats, i))
			parameters = append(parameters, bind.ParameterFormat(i))
			results = append(results, bind.ResultFormat(i))
			columns = append(columns, d.Fields[i].Format)
		}
		for _, got := range [][]int16{of, parameters, results, columns} {
			if fmt.Sprint(got) != tt.want {
				t.Errorf("%v: %v, want %s", tt.formats, got, tt.want)
			}
		}
	}
}

func TestNewError(t *testing.T) {
	m := messages.NewError("ERROR", "42601", "syntax error")
	m.Add(messages.FieldPosition, "8")
	want := `ErrorResponse severity="ERROR" sqlstate="42601" message="syntax error" position="8"`
	if fmt.Sprint(m) != want || messages.Encodable(m) != nil {
		t.Errorf("%v, want %s", m, want)
	}
	if n := messages.NewNotice("WARNING", "01000", "careful"); string(n.Severity()) != "WARNING" || string(n.Message()) != "careful" {
		t.Errorf("%v", n)
	}
}
