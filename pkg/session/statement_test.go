package session

import (
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// executed is an execution of a statement without parameters.
func executed(name string) string {
	return `
		F: Bind "" ` + name + ` ; Execute "" ; Sync
		B: BindComplete ; Complete "SELECT 0" ; Ready I
	`
}

// gone is one of a statement that the server does not know.
func gone(name string) string {
	return `
		F: Bind "" ` + name + ` ; Execute "" ; Sync
		B: Error ERROR 26000 no ; Ready I
	`
}

const (
	parsedA = `
		F: Parse s "SELECT a" ; Sync
		B: ParseComplete ; Ready I
	`
	parsedU = `
		F: Parse "" "SELECT u" ; Bind "" "" ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; Complete "SELECT 0" ; Ready I
	`
)

// lives are lives of prepared statements; the last line of want is what the
// final execution is taken for.
var lives = []struct{ name, script, want string }{
	{"prepared", parsedA + executed("s"), `
		2 extended "SELECT a" statement=s params=[] {SELECT 0} tx=I`},
	{"closed", parsedA + `
		F: Close statement s ; Sync
		B: CloseComplete ; Ready I
	` + gone("s"), `
		3 extended statement=s params=[] error=26000@Bind tx=I`},
	{"closed and prepared again in one cycle", parsedA + `
		F: Close statement s ; Parse s "SELECT b" ; Bind "" s ; Execute "" ; Sync
		B: CloseComplete ; ParseComplete ; BindComplete ; Complete "SELECT 0" ; Ready I
	` + executed("s"), `
		3 extended "SELECT b" statement=s params=[] {SELECT 0} tx=I
		4 extended "SELECT b" statement=s params=[] {SELECT 0} tx=I`},
	{"a name that is in use keeps its statement", parsedA + `
		F: Parse s "SELECT b" ; Sync
		B: Error ERROR 42P05 exists ; Ready I
	` + executed("s"), `
		2 extended "SELECT b" statement=s error=42P05@Parse tx=I
		3 extended "SELECT a" statement=s params=[] {SELECT 0} tx=I`},
	{"a Close of the unnamed one that is passed over, before a Bind of it", parsedU + `
		F: Parse s "SELEC" ; Close statement "" ; Bind "" "" ; Execute "" ; Sync
		B: Error ERROR 42601 no ; Ready I
	` + executed(`""`), `
		1 extended "SELECT u" params=[] {SELECT 0} tx=I
		2 extended "SELEC" statement=s error=42601@Parse tx=I
		3 extended "SELECT u" params=[] {SELECT 0} tx=I`},
	{"a Parse that fails between two Binds", parsedA + `
		F: Bind "" s ; Parse s "SELECT b" ; Bind p s ; Sync
		B: BindComplete ; Error ERROR 42P05 exists ; Ready I
	` + executed("s"), `
		2 extended "SELECT b" statement=s portal=p params=[] error=42P05@Parse tx=I
		3 extended "SELECT a" statement=s params=[] {SELECT 0} tx=I`},
	{"an SQL PREPARE, and a Parse of its name that was sent ahead", `
		F: Parse "" "PREPARE s AS SELECT a" ; Bind "" "" ; Execute "" ; Sync ; Parse s "SELECT b" ; Sync ; Bind "" s ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; Complete "PREPARE" ; Ready I ; Error ERROR 42P05 exists ; Ready I
		B: BindComplete ; Complete "SELECT 0" ; Ready I
	`, `
		1 extended "PREPARE s AS SELECT a" params=[] {PREPARE} tx=I
		2 extended "SELECT b" statement=s error=42P05@Parse tx=I
		3 extended "SELECT a" statement=s params=[] {SELECT 0} tx=I`},
	{"a DEALLOCATE, and a Parse of its name that was sent ahead and fails", parsedA + `
		F: Parse "" "DEALLOCATE s" ; Bind "" "" ; Execute "" ; Sync ; Parse s "SELEC" ; Sync ; Bind "" s ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; Complete "DEALLOCATE" ; Ready I ; Error ERROR 42601 no ; Ready I
		B: Error ERROR 26000 no ; Ready I
	`, `
		2 extended "DEALLOCATE s" params=[] {DEALLOCATE} tx=I
		3 extended "SELEC" statement=s error=42601@Parse tx=I
		4 extended statement=s params=[] error=26000@Bind tx=I`},
	{"a Bind that fails before an Execute of another portal", parsedA + `
		F: Bind p s ; Execute q ; Sync
		B: Error ERROR 22012 no ; Ready I
	`, `
		2 extended "SELECT a" statement=s error=22012@Bind tx=I`},
	{"two cycles that try so, before the first is answered", parsedA + `
		F: Parse s "SELECT b" ; Sync ; Parse s "SELECT c" ; Sync
		B: Error ERROR 42P05 exists ; Ready I ; Error ERROR 42P05 exists ; Ready I
	` + executed("s"), `
		2 extended "SELECT b" statement=s error=42P05@Parse tx=I
		3 extended "SELECT c" statement=s error=42P05@Parse tx=I
		4 extended "SELECT a" statement=s params=[] {SELECT 0} tx=I`},
	{"a Parse that the server passes over", parsedA + `
		F: Parse x "SELEC" ; Parse s "SELECT b" ; Parse "" "SELECT v" ; Sync
		B: Error ERROR 42601 no ; Ready I
	` + executed("s"), `
		2 extended "SELEC" statement=x error=42601@Parse tx=I
		3 extended "SELECT a" statement=s params=[] {SELECT 0} tx=I`},
	{"a Close that the server passes over", parsedA + `
		F: Bind "" s ; Execute "" ; Close statement s ; Close portal p ; Sync
		B: BindComplete ; Error ERROR 22012 no ; Ready I
	` + executed("s"), `
		2 extended "SELECT a" statement=s params=[] error=22012@Execute tx=I
		3 extended "SELECT a" statement=s params=[] {SELECT 0} tx=I`},
	{"a Close that comes after the error, and is passed over", parsedA + `
		F: Bind "" s ; Execute "" ; Flush
		B: BindComplete ; Error ERROR 22012 no
		F: Close statement s ; Parse s "SELECT b" ; Sync
		B: Ready I
	` + executed("s"), `
		2 extended "SELECT a" statement=s params=[] error=22012@Execute tx=I
		4 extended "SELECT a" statement=s params=[] {SELECT 0} tx=I`},
	{"a Close that succeeds before an error", parsedA + `
		F: Close portal p ; Close statement s ; Parse x "SELEC" ; Sync
		B: CloseComplete ; CloseComplete ; Error ERROR 42601 no ; Ready I
	` + gone("s"), `
		3 extended "SELEC" statement=x error=42601@Parse tx=I
		4 extended statement=s params=[] error=26000@Bind tx=I`},
	{"unnamed: prepared again", parsedU + `
		F: Parse "" "SELECT v" ; Sync
		B: ParseComplete ; Ready I
	` + executed(`""`), `
		1 extended "SELECT u" params=[] {SELECT 0} tx=I
		3 extended "SELECT v" params=[] {SELECT 0} tx=I`},
	{"unnamed: a Parse that fails drops it", parsedU + `
		F: Parse "" "SELEC" ; Sync
		B: Error ERROR 42601 no ; Ready I
	` + gone(`""`), `
		1 extended "SELECT u" params=[] {SELECT 0} tx=I
		2 extended "SELEC" error=42601@Parse tx=I
		3 extended params=[] error=26000@Bind tx=I`},
	{"unnamed: one of the same text that fails, too", parsedU + `
		F: Parse "" "SELECT u" ; Sync
		B: Error ERROR 42P01 no ; Ready I
	` + gone(`""`), `
		1 extended "SELECT u" params=[] {SELECT 0} tx=I
		2 extended "SELECT u" error=42P01@Parse tx=I
		3 extended params=[] error=26000@Bind tx=I`},
	{"unnamed: one that is passed over does not", parsedU + `
		F: Bind p nosuch ; Execute p ; Parse "" "SELECT v" ; Bind "" "" ; Execute "" ; Sync
		B: Error ERROR 26000 no ; Ready I
	` + executed(`""`), `
		1 extended "SELECT u" params=[] {SELECT 0} tx=I
		2 extended statement=nosuch portal=p params=[] error=26000@Bind tx=I
		3 extended "SELECT v" params=[] skipped
		4 extended "SELECT u" params=[] {SELECT 0} tx=I`},
	{"unnamed: a simple query drops it", parsedU + `
		F: Query "SELECT 1"
		B: Complete "SELECT 1" ; Ready I
	` + gone(`""`), `
		1 extended "SELECT u" params=[] {SELECT 0} tx=I
		2 simple "SELECT 1" {SELECT 1} tx=I
		3 extended params=[] error=26000@Bind tx=I`},
	{"DISCARD ALL", parsedA + `
		F: Query "DISCARD ALL"
		B: Complete "DISCARD ALL" ; Ready I
	` + gone("s"), `
		2 simple "DISCARD ALL" {DISCARD ALL} tx=I
		3 extended statement=s params=[] error=26000@Bind tx=I`},
	{"what follows a DISCARD ALL before its answer", parsedA + `
		F: Query "DISCARD ALL" ; Parse s "SELECT b" ; Bind "" s ; Execute "" ; Sync
		B: Complete "DISCARD ALL" ; Ready I ; ParseComplete ; BindComplete ; Complete "SELECT 0" ; Ready I
	` + executed("s"), `
		2 simple "DISCARD ALL" {DISCARD ALL} tx=I
		3 extended "SELECT b" statement=s params=[] {SELECT 0} tx=I
		4 extended "SELECT b" statement=s params=[] {SELECT 0} tx=I`},
	{"DEALLOCATE in the extended protocol", parsedA + `
		F: Parse "" "DEALLOCATE PREPARE \"s\"" ; Bind "" "" ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; Complete DEALLOCATE ; Ready I
	` + gone("s"), `
		2 extended "DEALLOCATE PREPARE \"s\"" params=[] {DEALLOCATE} tx=I
		3 extended statement=s params=[] error=26000@Bind tx=I`},
	{"several DEALLOCATE in a string, the second fails", parsedA + `
		F: Query "-- one; two\n/* /* ; */ */ deallocate S; DEALLOCATE t; DEALLOCATE x"
		B: Complete DEALLOCATE ; Error ERROR 26000 no ; Ready I
	` + gone("s"), `
		2 simple "-- one; two\n/* /* ; */ */ deallocate S; DEALLOCATE t; DEALLOCATE x" {DEALLOCATE} error=26000@Query tx=I
		3 extended statement=s params=[] error=26000@Bind tx=I`},
	{"DEALLOCATE that fails", parsedA + `
		F: Query "DEALLOCATE s"
		B: Error ERROR 25P02 no ; Ready E
	` + executed("s"), `
		2 simple "DEALLOCATE s" error=25P02@Query tx=E
		3 extended "SELECT a" statement=s params=[] {SELECT 0} tx=I`},
	{"DEALLOCATE ALL", parsedA + `
		F: Query "DEALLOCATE ALL"
		B: Complete "DEALLOCATE ALL" ; Ready I
	` + gone("s"), `
		2 simple "DEALLOCATE ALL" {DEALLOCATE ALL} tx=I
		3 extended statement=s params=[] error=26000@Bind tx=I`},
	{"types of parameters: as told, else as declared", `
		F: Parse s "SELECT $1, $2" 23 ; Sync
		B: ParseComplete ; Ready I
		F: Bind "" s 1 x ; Execute "" ; Sync
		B: BindComplete ; Complete "SELECT 0" ; Ready I
		F: Describe statement s ; Sync
		B: ParamDescription 23 25 ; NoData ; Ready I
		F: Bind "" s 1 x ; Execute "" ; Sync
		B: BindComplete ; Complete "SELECT 0" ; Ready I
	`, `
		2 extended "SELECT $1, $2" statement=s params=[1 x] types=[23] {SELECT 0} tx=I
		4 extended "SELECT $1, $2" statement=s params=[1 x] types=[23 25] {SELECT 0} tx=I`},
}

func TestStatements(t *testing.T) {
	for _, c := range lives {
		t.Run(c.name, func(t *testing.T) {
			expect(t, c.script, run(options{}, conversation.Opening, c.script).exchanges, c.want)
		})
	}
}

// The SQL of a statement that was prepared before the capture is that of another
// connection only where all that are known to the server and database agree.
func TestInferredSQL(t *testing.T) {
	open := func(database string) string {
		return `
			F: Startup user u database ` + database + `
			B: AuthOk ; Ready I
		`
	}
	parse := func(sql string) string {
		return `
			F: Parse s "` + sql + `" 23 ; Sync
			B: ParseComplete ; Ready I
		`
	}
	const failing = `
		F: Parse s "SELEC" 23 ; Sync
		B: Error ERROR 42601 no ; Ready I
	`
	const bind = `
		F: Bind "" s 1 ; Execute "" ; Sync
		B: BindComplete ; Complete "SELECT 0" ; Ready I
	`
	const (
		unknown = `extended statement=s params=[1] {SELECT 0} tx=I inferred=parse incomplete`
	)
	for _, c := range []struct {
		name   string
		others []string // conversations before, a connection each
		mine   string
		later  []string
		again  bool // the statement is executed once more after later
		want   string
	}{
		{
			name: "the same database", others: []string{open("d") + parse("SELECT a")}, mine: open("d") + bind,
			want: `#9 1 extended "SELECT a" statement=s params=[1] types=[23] {SELECT 0} tx=I inferred=parse,sql incomplete`,
		},
		{
			name: "two that agree", others: []string{open("d") + parse("SELECT a"), open("d") + parse("SELECT a")}, mine: open("d") + bind,
			want: `#9 1 extended "SELECT a" statement=s params=[1] types=[23] {SELECT 0} tx=I inferred=parse,sql incomplete`,
		},
		{
			name: "two that differ", others: []string{open("d") + parse("SELECT a"), open("d") + parse("SELECT b")}, mine: open("d") + bind,
			want: `#9 1 ` + unknown,
		},
		{
			name: "another database", others: []string{open("e") + parse("SELECT a")}, mine: open("d") + bind,
			want: `#9 1 ` + unknown,
		},
		{
			name: "one that failed does not count", others: []string{open("d") + failing}, mine: open("d") + bind,
			want: `1 extended "SELEC" statement=s types=[23] error=42601@Parse tx=I
				#9 1 ` + unknown,
		},
		{
			name: "known later", mine: open("d") + bind, later: []string{open("d") + parse("SELECT a")}, again: true,
			want: `#9 1 ` + unknown + `
				#9 2 extended "SELECT a" statement=s params=[1] types=[23] {SELECT 0} tx=I inferred=parse,sql incomplete`,
		},
		{
			name: "in doubt later", others: []string{open("d") + parse("SELECT a")}, mine: open("d") + bind,
			later: []string{open("d") + parse("SELECT b")}, again: true,
			want: `#9 1 extended "SELECT a" statement=s params=[1] types=[23] {SELECT 0} tx=I inferred=parse,sql incomplete
				#9 2 ` + unknown,
		},
		{
			name:   "joined in the middle: the database is not known, and all of the server agree",
			others: []string{open("e") + parse("SELECT a"), open("d") + parse("SELECT a")}, mine: bind,
			want: `#9 1 extended "SELECT a" statement=s params=[1] types=[23] {SELECT 0} tx=I inferred=parse,sql incomplete`,
		},
		{
			name:   "joined in the middle: databases of the server differ",
			others: []string{open("e") + parse("SELECT a"), open("d") + parse("SELECT b")}, mine: bind,
			want: `#9 1 ` + unknown,
		},
		{
			name:   "the server does not know it",
			others: []string{open("d") + parse("SELECT a")}, mine: open("d") + gone("s"),
			want: `#9 1 extended statement=s params=[] error=26000@Bind tx=I`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			cp := newCapture(options{limits: exchange.Limits{}})
			id := uint64(1)
			other := func(script string) {
				s := cp.open(id, false)
				id++
				cp.play(s, script)
				cp.end(s)
			}
			for _, o := range c.others {
				other(o)
			}
			s := cp.open(9, c.mine == bind)
			cp.play(s, c.mine)
			for _, o := range c.later {
				other(o)
			}
			if c.again {
				cp.play(s, bind)
			}
			cp.end(s)
			expect(t, c.name, cp.exchanges, c.want)
		})
	}
}

// The length of a text is its own, whatever else the message's length holds.
func TestMalformedTextLength(t *testing.T) {
	var lengths []int
	h := lengthsOf{&lengths}
	s := NewShared(Config{Exchanges: true}, exchange.Limits{}, h).New(Opening{ID: 1})
	for _, p := range conversation.Packets(conversation.Opening, `
		F: raw "Q\x00\x00\x00\x0eSELECT\x00xy\x00"
		B: Error ERROR 08P01 no ; Ready I
		F: raw "P\x00\x00\x00\x0b\x00SELEC\x00" ; Sync
		B: Error ERROR 08P01 no ; Ready I
	`) {
		s.Data(p.Direction, p.Bytes, Stamp{Time: p.Time, Frame: p.Frame})
	}
	if len(lengths) != 2 || lengths[0] != 6 || lengths[1] != 5 {
		t.Errorf("lengths %v", lengths)
	}
}

type lengthsOf struct{ list *[]int }

func (lengthsOf) Message(*Event)                              {}
func (h lengthsOf) Exchange(_ *Session, x *exchange.Exchange) { *h.list = append(*h.list, x.SQLLen) }
func (lengthsOf) Notice(*Session, *Notice)                    {}
func (lengthsOf) End(*Session)                                {}
