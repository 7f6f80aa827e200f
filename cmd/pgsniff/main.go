// Command pgsniff shows what PostgreSQL clients and servers say to each other.
package main

import (
	"os"
	_ "time/tzdata" // values are printed in the session's time zone, on hosts without a database, too

	"github.com/pgsniff/pgsniff/internal/app"
)

func main() { os.Exit(app.Main()) }
