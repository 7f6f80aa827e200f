// Command pgsniff shows what PostgreSQL clients and servers say to each other.
package main

import (
	"os"

	"github.com/pgsniff/pgsniff/internal/app"
)

func main() { os.Exit(app.Main()) }
