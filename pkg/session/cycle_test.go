package session

import (
	"testing"

	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// cycles are conversations after a startup, and the exchanges in them. What
// belongs together is the manual's ("Message Flow").
var cycles = []struct{ name, script, want string }{
	{"simple query", `
		F: Query "SELECT 1 AS a"
		B: RowDescription a:23:0 ; Row 1 ; Row NULL ; Complete "SELECT 2" ; Ready I
	`, `
		1 simple "SELECT 1 AS a" {SELECT 2 rows=2 bytes=23 a:23:0} tx=I
	`},
	{"several commands in a string", `
		F: Query "SELECT 1; INSERT INTO t VALUES (1); SELECT 'x'"
		B: RowDescription a:23:0 ; Row 1 ; Complete "SELECT 1" ; Complete "INSERT 0 1"
		B: RowDescription b:25:0 ; Row x ; Row y ; Complete "SELECT 2" ; Ready I
	`, `
		1 simple "SELECT 1; INSERT INTO t VALUES (1); SELECT 'x'" {SELECT 1 rows=1 bytes=12 a:23:0} {INSERT 0 1} {SELECT 2 rows=2 bytes=24 b:25:0} tx=I
	`},
	{"an error in the second command of a string", `
		F: Query "SELECT 1; SELECT 1/0; SELECT 2"
		B: RowDescription a:23:0 ; Row 1 ; Complete "SELECT 1" ; Error ERROR 22012 "division by zero" ; Ready I
	`, `
		1 simple "SELECT 1; SELECT 1/0; SELECT 2" {SELECT 1 rows=1 bytes=12 a:23:0} error=22012@Query tx=I
	`},
	{"an empty string", `
		F: Query ""
		B: Empty ; Ready I
	`, `
		1 simple "" tx=I
	`},
	{"notices and parameters in between", `
		F: Query "SELECT f()"
		B: Notice NOTICE 00000 one ; RowDescription f:25:0 ; Notice WARNING 01000 two ; Row x
		B: Param TimeZone UTC ; Notification c p ; Complete "SELECT 1" ; Ready I
		B: Notice NOTICE 00000 idle
	`, `
		1 simple "SELECT f()" {SELECT 1 rows=1 bytes=12 f:25:0} notices=2 tx=I
	`},
	{"pipelined simple queries", `
		F: Query "SELECT 1" ; Query "SELECT 2"
		F: Query "SELECT 3"
		B: RowDescription a:23:0 ; Row 1 ; Complete "SELECT 1" ; Ready I ; RowDescription b:23:0
		B: Row 2 ; Complete "SELECT 1" ; Ready I ; Error ERROR 42P01 no ; Ready I
	`, `
		1 simple "SELECT 1" {SELECT 1 rows=1 bytes=12 a:23:0} tx=I
		2 simple "SELECT 2" {SELECT 1 rows=1 bytes=12 b:23:0} tx=I
		3 simple "SELECT 3" error=42P01@Query tx=I
	`},
	{"extended, all at once, with the portal described", `
		F: Parse "" "SELECT $1::int" 23 ; Bind rf=1 "" "" 5 ; Describe portal "" ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; RowDescription int4:23:1 ; Row 0x00000005 ; Complete "SELECT 1" ; Ready I
	`, `
		1 extended "SELECT $1::int" params=[5] types=[23] {SELECT 1 rows=1 bytes=15 int4:23:1} tx=I
	`},
	{"described as a statement first, in a cycle of its own", `
		F: Parse s "SELECT $1, $2" 0 25 ; Describe statement s ; Sync
		B: ParseComplete ; ParamDescription 23 25 ; RowDescription a:23:0 b:25:0 ; Ready I
		F: Bind pf=1,0 rf=1,0 "" s 0x00000007 x ; Execute "" ; Sync
		B: BindComplete ; Row 0x00000007 x ; Complete "SELECT 1" ; Ready I
		F: Bind "" s 8 NULL ; Execute "" ; Sync
		B: BindComplete ; Row 8 NULL ; Complete "SELECT 1" ; Ready I
	`, `
		2 extended "SELECT $1, $2" statement=s params=[0x00000007 x] types=[23 25] {SELECT 1 rows=1 bytes=20 a:23:1,b:25:0} tx=I
		3 extended "SELECT $1, $2" statement=s params=[8 NULL] types=[23 25] {SELECT 1 rows=1 bytes=16 a:23:0,b:25:0} tx=I
	`},
	{"described as a statement in the cycle that executes it", `
		F: Parse s "SELECT $1" ; Describe statement s ; Bind rf=1 "" s 7 ; Execute "" ; Sync
		B: ParseComplete ; ParamDescription 23 ; RowDescription a:23:0 ; BindComplete ; Row 0x00000007 ; Complete "SELECT 1" ; Ready I
	`, `
		1 extended "SELECT $1" statement=s params=[7] types=[23] {SELECT 1 rows=1 bytes=15 a:23:1} tx=I
	`},
	{"no result", `
		F: Parse "" "DELETE FROM t" ; Bind "" "" ; Describe portal "" ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; NoData ; Complete "DELETE 3" ; Ready I
	`, `
		1 extended "DELETE FROM t" params=[] {DELETE 3} tx=I
	`},
	{"several exchanges before one Sync", `
		F: Parse "" "BEGIN" ; Bind "" "" ; Execute "" ; Parse "" "SELECT $1" ; Bind "" "" 1 ; Execute ""
		F: Bind "" "" 2 ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; Complete BEGIN ; ParseComplete ; BindComplete ; Row 1 ; Complete "SELECT 1"
		B: BindComplete ; Row 2 ; Complete "SELECT 1" ; Ready T
	`, `
		1 extended "BEGIN" params=[] {BEGIN}
		2 extended "SELECT $1" params=[1] {SELECT 1 rows=1 bytes=12}
		3 extended "SELECT $1" params=[2] {SELECT 1 rows=1 bytes=12} tx=T
	`},
	{"several Syncs outstanding", `
		F: Parse "" "SELECT 1" ; Bind "" "" ; Execute "" ; Sync ; Parse "" "SELECT x" ; Bind "" "" ; Execute "" ; Sync ; Sync
		F: Parse "" "SELECT 3" ; Bind "" "" ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; Row 1 ; Complete "SELECT 1"
		F: Parse "" "SELECT 4" ; Bind "" "" ; Execute "" ; Sync
		B: Ready I ; Error ERROR 42703 no ; Ready I ; Ready I ; ParseComplete ; BindComplete ; Row 3 ; Complete "SELECT 1" ; Ready I
		B: ParseComplete ; BindComplete ; Row 4 ; Complete "SELECT 1" ; Ready I
	`, `
		1 extended "SELECT 1" params=[] {SELECT 1 rows=1 bytes=12} tx=I
		2 extended "SELECT x" params=[] error=42703@Parse tx=I
		4 extended "SELECT 3" params=[] {SELECT 1 rows=1 bytes=12} tx=I
		5 extended "SELECT 4" params=[] {SELECT 1 rows=1 bytes=12} tx=I
	`},
	{"an error discards up to the Sync, and no further", `
		F: Bind "" "" ; Execute "" ; Parse "" "SELECT 2" ; Bind "" "" ; Execute "" ; Bind p s ; Execute p ; Sync ; Query "SELECT 3"
		B: Error ERROR 26000 no ; Ready I ; Row 3 ; Complete "SELECT 1" ; Ready I
	`, `
		1 extended params=[] error=26000@Bind tx=I
		2 extended "SELECT 2" params=[] skipped
		3 extended statement=s portal=p params=[] skipped
		4 simple "SELECT 3" {SELECT 1 rows=1 bytes=12} tx=I
	`},
	{"a Query that an error before it discards", `
		F: Parse "" "SELEC" ; Query "SELECT 1" ; Sync
		B: Error ERROR 42601 no ; Ready I
	`, `
		1 extended "SELEC" error=42601@Parse tx=I
		2 simple "SELECT 1" skipped
	`},
	{"a suspended portal", `
		F: Query BEGIN
		B: Complete BEGIN ; Ready T
		F: Parse s "SELECT $1" 23 ; Bind rf=1 c s 9 ; Describe portal c ; Execute c 2 ; Sync
		B: ParseComplete ; BindComplete ; RowDescription a:23:1 ; Row 1 ; Row 2 ; Suspended ; Ready T
		F: Execute c 2 ; Sync
		B: Row 3 ; Row 4 ; Suspended ; Ready T
		F: Execute c 2 ; Sync
		B: Complete "SELECT 0" ; Ready T
	`, `
		1 simple "BEGIN" {BEGIN} tx=T
		2 extended "SELECT $1" statement=s portal=c params=[9] types=[23] {suspended rows=2 bytes=24 a:23:1} tx=T
		3 extended "SELECT $1" statement=s portal=c params=[9] types=[23] {suspended rows=2 bytes=24 a:23:1} tx=T
		4 extended "SELECT $1" statement=s portal=c params=[9] types=[23] {SELECT 0 a:23:1} tx=T
	`},
	{"the unnamed portal, suspended and resumed before its Sync", `
		F: Parse "" "SELECT $1" 25 ; Bind "" "" x ; Describe portal "" ; Execute "" 1 ; Flush
		B: ParseComplete ; BindComplete ; RowDescription a:25:0 ; Row 1 ; Suspended
		F: Execute "" 1 ; Flush
		B: Row 2 ; Suspended
		F: Execute "" ; Sync
		B: Row 3 ; Complete "SELECT 1" ; Ready I
	`, `
		1 extended "SELECT $1" params=[x] types=[25] {suspended rows=1 bytes=12 a:25:0}
		2 extended "SELECT $1" params=[x] types=[25] {suspended rows=1 bytes=12 a:25:0}
		3 extended "SELECT $1" params=[x] types=[25] {SELECT 1 rows=1 bytes=12 a:25:0} tx=I
	`},
	{"portals interleaved in one cycle", `
		F: Parse a "SELECT $1" 23 ; Parse b "SELECT $1::text" 25 ; Bind "" a 1 ; Bind p b x ; Bind q a 2
		F: Execute p ; Execute "" ; Execute q ; Sync
		B: ParseComplete ; ParseComplete ; BindComplete ; BindComplete ; BindComplete
		B: Row x ; Complete "SELECT 1" ; Row 1 ; Complete "SELECT 1" ; Row 2 ; Complete "SELECT 1" ; Ready I
	`, `
		1 extended "SELECT $1::text" statement=b portal=p params=[x] types=[25] {SELECT 1 rows=1 bytes=12}
		2 extended "SELECT $1" statement=a params=[1] types=[23] {SELECT 1 rows=1 bytes=12}
		3 extended "SELECT $1" statement=a portal=q params=[2] types=[23] {SELECT 1 rows=1 bytes=12} tx=I
	`},
	{"portals described in turn", `
		F: Parse a "SELECT 1" ; Parse b "SELECT 'x'" ; Bind p a ; Bind q b ; Describe portal p ; Describe portal q ; Execute p ; Execute q ; Sync
		B: ParseComplete ; ParseComplete ; BindComplete ; BindComplete ; RowDescription a:23:0 ; RowDescription b:25:0
		B: Row 1 ; Complete "SELECT 1" ; Row x ; Complete "SELECT 1" ; Ready I
	`, `
		1 extended "SELECT 1" statement=a portal=p params=[] {SELECT 1 rows=1 bytes=12 a:23:0}
		2 extended "SELECT 'x'" statement=b portal=q params=[] {SELECT 1 rows=1 bytes=12 b:25:0} tx=I
	`},
	{"a portal of an earlier cycle of the transaction", `
		F: Query BEGIN
		B: Complete BEGIN ; Ready T
		F: Parse s "SELECT $1" 23 ; Bind p s 1 ; Sync
		B: ParseComplete ; BindComplete ; Ready T
		F: Parse s2 "SELECT 2" ; Bind "" s2 ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; Row 2 ; Complete "SELECT 1" ; Ready T
		F: Execute p ; Sync
		B: Row 1 ; Complete "SELECT 1" ; Ready T
		F: Query COMMIT
		B: Complete COMMIT ; Ready I
		F: Execute p ; Sync
		B: Error ERROR 34000 no ; Ready I
	`, `
		1 simple "BEGIN" {BEGIN} tx=T
		3 extended "SELECT 2" statement=s2 params=[] {SELECT 1 rows=1 bytes=12} tx=T
		4 extended "SELECT $1" statement=s portal=p params=[1] types=[23] {SELECT 1 rows=1 bytes=12} tx=T
		5 simple "COMMIT" {COMMIT} tx=I
		6 extended portal=p error=34000@Execute tx=I
	`},
	{"portals end with their transaction, not with that of a cycle before", `
		F: Parse s "SELECT $1" 23 ; Bind p s 1 ; Execute p ; Sync ; Bind q s 2 ; Flush
		B: ParseComplete ; BindComplete ; Row 1 ; Complete "SELECT 1" ; Ready I ; BindComplete
		F: Execute q ; Sync
		B: Row 2 ; Complete "SELECT 1" ; Ready I
	`, `
		1 extended "SELECT $1" statement=s portal=p params=[1] types=[23] {SELECT 1 rows=1 bytes=12} tx=I
		2 extended "SELECT $1" statement=s portal=q params=[2] types=[23] {SELECT 1 rows=1 bytes=12} tx=I
	`},
	{"a function call", `
		F: FunctionCall 1598 pf=1 0x0000002a NULL
		B: FunctionResult 1 ; Ready I
		F: FunctionCall 99
		B: Error ERROR 42883 no ; Ready I
	`, `
		1 function_call function=1598 params=[0x0000002a NULL] tx=I
		2 function_call function=99 params=[] error=42883@FunctionCall tx=I
	`},
	{"COPY in a simple query", `
		F: Query "COPY t FROM STDIN"
		B: CopyIn
		F: CopyData "1\n" ; CopyData "22\n" ; CopyDone
		B: Complete "COPY 2" ; Ready I
		F: Query "COPY t TO STDOUT"
		B: CopyOut ; CopyData "1\n" ; CopyData "22\n" ; CopyDone ; Complete "COPY 2" ; Ready I
	`, `
		1 simple "COPY t FROM STDIN" {COPY 2} copy=in:2:5 tx=I
		2 simple "COPY t TO STDOUT" {COPY 2} copy=out:2:5 tx=I
	`},
	{"several COPY commands in a query, whose data comes several messages at a time", `
		F: Query "COPY t FROM STDIN; COPY u FROM STDIN; COPY t TO STDOUT"
		B: CopyIn
		F: CopyData "1\n" ; CopyData "22\n" ; CopyData "333\n" ; CopyDone
		B: Complete "COPY 3" ; CopyIn
		F: CopyData "4444\n" ; CopyData "55555\n" ; CopyDone
		B: Complete "COPY 2" ; CopyOut ; CopyData "1\n" ; CopyData "22\n" ; CopyDone ; Complete "COPY 2" ; Ready I
	`, `
		1 simple "COPY t FROM STDIN; COPY u FROM STDIN; COPY t TO STDOUT" {COPY 3 in:3:9} {COPY 2 in:2:11} {COPY 2 out:2:5} copy=out:7:25 tx=I
	`},
	{"COPY in the extended protocol", `
		F: Parse "" "COPY t FROM STDIN" ; Bind "" "" ; Describe portal "" ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; NoData ; CopyIn
		F: CopyData "1\n" ; CopyDone ; Sync
		B: Complete "COPY 1" ; Ready I
		F: Parse "" "SELECT 1" ; Bind "" "" ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; Row 1 ; Complete "SELECT 1" ; Ready I
	`, `
		1 extended "COPY t FROM STDIN" params=[] {COPY 1} copy=in:1:2 tx=I
		2 extended "SELECT 1" params=[] {SELECT 1 rows=1 bytes=12} tx=I
	`},
	{"COPY that the frontend gives up, and one that the server does", `
		F: Query "COPY t FROM STDIN"
		B: CopyIn
		F: CopyData "1\n" ; CopyFail no
		B: Error ERROR 57014 no ; Ready I
		F: Query "COPY t FROM STDIN"
		B: CopyIn
		F: CopyData "x\n"
		B: Error ERROR 22P02 no ; Ready I
		F: CopyData "y\n" ; CopyDone
		F: Query "SELECT 1"
		B: Row 1 ; Complete "SELECT 1" ; Ready I
	`, `
		1 simple "COPY t FROM STDIN" copy=in:1:2 error=57014@Query tx=I
		2 simple "COPY t FROM STDIN" copy=in:1:2 error=22P02@Query tx=I
		3 simple "SELECT 1" {SELECT 1 rows=1 bytes=12} tx=I
	`},
	{"a fatal error ends what is outstanding", `
		F: Query "SELECT pg_sleep(9)"
		B: Error FATAL 57P01 "terminating connection"
	`, `
		1 simple "SELECT pg_sleep(9)" error=57P01@Query
	`},
	{"the end of the capture", `
		F: Parse "" "SELECT 1" ; Bind "" "" ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; Row 1
	`, `
		1 extended "SELECT 1" params=[] {? rows=1 bytes=12} incomplete
	`},
	{"the end of the capture within a failed cycle", `
		F: Parse "" "SELECT x" ; Bind "" "" ; Execute "" ; Parse "" "SELECT y" ; Bind "" "" ; Execute "" ; Sync
		F: Parse "" "SELECT 1" ; Bind "" "" ; Execute "" ; Sync
		B: Error ERROR 42703 no
	`, `
		1 extended "SELECT x" params=[] error=42703@Parse
		2 extended "SELECT y" params=[] skipped
		3 extended "SELECT 1" params=[] incomplete unanswered
	`},
	{"prepared and closed only", `
		F: Parse s "SELECT 1" ; Describe statement s ; Sync
		B: ParseComplete ; ParamDescription ; RowDescription a:23:0 ; Ready I
		F: Close statement s ; Sync
		B: CloseComplete ; Ready I
	`, ``},
}

// A walsender takes commands as simple queries.
func TestReplication(t *testing.T) {
	r := run(options{}, `
		F: Startup user u database d replication database
		B: AuthOk ; Ready I
		F: Query IDENTIFY_SYSTEM
		B: RowDescription systemid:25:0 ; Row 7 ; Complete IDENTIFY_SYSTEM ; Ready I
		F: Query "BASE_BACKUP"
		B: RowDescription recptr:25:0 ; Row 0/1 ; Complete SELECT ; CopyOut ; CopyData nbase.tar ; CopyData dxx ; CopyDone
		B: RowDescription recptr:25:0 ; Row 0/2 ; Complete SELECT ; Complete BASE_BACKUP ; Ready I
		F: Query "START_REPLICATION SLOT s LOGICAL 0/0"
		B: CopyBoth ; CopyData wxxxx
		F: CopyData rxx
		B: CopyData kx
		F: CopyDone
		B: CopyDone ; Complete "COPY 0" ; Complete START_STREAMING ; Ready I
		F: Query "START_REPLICATION SLOT s LOGICAL 0/9"
		B: CopyBoth ; CopyData wxxxx
	`)
	expect(t, "exchanges", r.exchanges, `
		1 replication "IDENTIFY_SYSTEM" {IDENTIFY_SYSTEM rows=1 bytes=12 systemid:25:0} tx=I
		2 replication "BASE_BACKUP" {SELECT rows=1 bytes=14 recptr:25:0} {SELECT rows=1 bytes=14 recptr:25:0} {BASE_BACKUP} copy=out:2:12 tx=I
		3 replication "START_REPLICATION SLOT s LOGICAL 0/0" {COPY 0} {START_STREAMING} copy=both:3:10 tx=I
		4 replication "START_REPLICATION SLOT s LOGICAL 0/9" copy=both:1:5 incomplete
	`)
	if r.infos[0].Replication != "database" {
		t.Errorf("replication %q", r.infos[0].Replication)
	}
}

func TestCycles(t *testing.T) {
	for _, c := range cycles {
		t.Run(c.name, func(t *testing.T) {
			r := run(options{}, conversation.Opening, c.script)
			expect(t, c.script, r.exchanges, c.want)
			// Whether somebody looks at the messages must not matter.
			with := run(options{config: Config{Messages: true}}, conversation.Opening, c.script)
			expect(t, "with messages", with.exchanges, c.want)
		})
	}
}

// More shapes than are remembered are counted all the same.
func TestManyShapes(t *testing.T) {
	sh := NewShared(Config{Exchanges: true}, exchange.Limits{}, nothing{})
	var want [messages.NumKinds]uint64
	for round := range 3 {
		for k := messages.Kind(1); k < messages.Kind(messages.NumKinds); k++ {
			for d := range messages.Direction(2) {
				for _, shape := range []friend.Shape{friend.Shape(k), friend.Shape(k)<<6 | friend.Shape(k), 1<<(9*6) | friend.Shape(k)} {
					sh.form(d, shape).taken++
					for _, k := range shape.Kinds() {
						want[k]++
					}
				}
			}
		}
		if got := sh.Kinds(); got != want {
			t.Fatalf("round %d: %v, want %v", round, got, want)
		}
	}
}
