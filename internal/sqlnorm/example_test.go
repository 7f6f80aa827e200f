package sqlnorm_test

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
)

func Example() {
	var text []byte // reused from statement to statement
	for _, sql := range []string{
		"SELECT * FROM orders WHERE id IN (1, 2, 3) AND state = 'new'",
		"select * from orders\n where id in (4,5) and state='paid' -- by hand",
	} {
		text = sqlnorm.Append(text[:0], []byte(sql))
		id := sqlnorm.AppendFingerprint(nil, sqlnorm.Fingerprint(text))
		fmt.Printf("%s %s %s\n", id, sqlnorm.Operation(text), text)
	}
	// Output:
	// 37fa0c189aa6006f SELECT select * from orders where id in ($1, ...) and state = $2
	// 37fa0c189aa6006f SELECT select * from orders where id in ($1, ...) and state = $2
}

func ExampleRedact() {
	fmt.Printf("%s\n", sqlnorm.Redact(nil, []byte("ALTER ROLE app PASSWORD 'hunter2' VALID UNTIL 'infinity'")))
	// Output: ALTER ROLE app PASSWORD '<redacted>' VALID UNTIL 'infinity'
}
