package record

import "github.com/pgsniff/pgsniff/pkg/exchange"

// The fields of server_times.
var (
	serverParse    = NewField("parse_ns", TypeInt, "ns", "Parsing of the text.")
	serverRewrite  = NewField("rewrite_ns", TypeInt, "ns", "Analysis and rewriting.")
	serverPlan     = NewField("plan_ns", TypeInt, "ns", "Planning.")
	serverExecute  = NewField("execute_ns", TypeInt, "ns", "Execution.")
	serverLockWait = NewField("lock_wait_ns", TypeInt, "ns", "Waits for locks.")
	serverLock     = NewField("lock", TypeText, "", "What the longest wait was for.")
)

func visitServer(v Visitor, t *exchange.ServerTimes) {
	v.Open(qServer)
	took(v, serverParse, t.Parse)
	took(v, serverRewrite, t.Rewrite)
	took(v, serverPlan, t.Plan)
	took(v, serverExecute, t.Execute)
	took(v, serverLockWait, t.LockWait)
	fact(v, serverLock, t.Lock)
	v.Close()
}

// took shows a time that is known.
func took(v Visitor, f *Field, ns int64) {
	if ns > 0 {
		v.Int(f, ns)
	}
}
