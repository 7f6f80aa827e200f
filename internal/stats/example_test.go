package stats_test

import (
	"fmt"
	"time"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/internal/stats"
)

func Example() {
	s := stats.New(stats.Limits{})
	for i, sql := range []string{"SELECT * FROM t WHERE id = 1", "select * from t where id = 2", "BEGIN"} {
		text := sqlnorm.Append(nil, []byte(sql))
		s.Query(&stats.QuerySample{
			Normalized:  text,
			Fingerprint: sqlnorm.Fingerprint(text),
			Operation:   sqlnorm.Operation(text),
			Duration:    int64(i+1) * int64(time.Millisecond),
			Rows:        1,
		})
	}
	for _, q := range s.Snapshot(stats.SortCalls, 10).Top {
		fmt.Println(q.Calls, time.Duration(q.Mean), q.Normalized)
	}
	// Output:
	// 2 1.5ms select * from t where id = $1
	// 1 3ms begin
}
