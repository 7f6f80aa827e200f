package record

import (
	"reflect"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// TestQueryToSetsAll holds that nothing of the query before stays in the memory of a
// record that is used again.
func TestQueryToSetsAll(t *testing.T) {
	x := &exchange.Exchange{ID: 1}
	var clean, used Query
	used.Params = messages.MakeValues([]byte("p"))
	v := reflect.ValueOf(&used).Elem()
	for i := range v.NumField() {
		dirty(v.Field(i))
	}
	for _, q := range []*Query{&clean, &used} {
		(&Maker{Parts: Parts{Normalized: true, Parameters: true, Columns: true}}).QueryTo(q, &session.Session{ID: 7}, x)
	}
	for i := range v.NumField() {
		switch name := v.Type().Field(i).Name; name {
		case "privacy", "Conn", "Who": // set by each
		case "params", "formats", "word", "numbers": // memory
		case "Results":
			if len(used.Results) != 0 {
				t.Error("results stay")
			}
		default:
			if a, b := v.Field(i), reflect.ValueOf(&clean).Elem().Field(i); !equalField(a, b) {
				t.Errorf("%s stays: %v", name, a)
			}
		}
	}
}

// TestKeepBorrowsNothing holds that a record which was kept has its own text, also where
// that of a prepared statement was replaced since it had a secret in it.
func TestKeepBorrowsNothing(t *testing.T) {
	own := &exchange.Statement{SQL: []byte("select $1")}
	for _, x := range []*exchange.Exchange{
		{ID: 1, SQL: []byte("select 1")},
		{ID: 2, SQL: []byte("select 2"), Prepared: own},
		{ID: 3, SQL: own.SQL, Prepared: own},
	} {
		var q Query
		new(Maker).QueryTo(&q, &session.Session{ID: 7}, x)
		if _, ok := q.Keep(nil); !ok {
			t.Fatal("not kept")
		}
		if same := &q.SQL[0] == &x.SQL[0]; same != (x.ID == 3) {
			t.Errorf("query %d: its text is borrowed: %v", x.ID, same)
		}
	}
}

// dirty sets an exported field to something that is not its zero value.
func dirty(v reflect.Value) {
	if !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.String:
		v.SetString("x")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Struct:
		for i := range v.NumField() {
			dirty(v.Field(i))
		}
	}
}

func equalField(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer:
		return a.Pointer() == b.Pointer()
	case reflect.Slice:
		return a.Len() == b.Len() && a.IsNil() == b.IsNil()
	}
	return a.Equal(b)
}
