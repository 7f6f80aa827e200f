package attach

// Server is a PostgreSQL server that runs on this host, its containers included.
type Server struct {
	PID int // of the process that all backends are children of
	// Path is the program's, as the server itself sees it: in a container, within
	// that.
	Path string
	// Program is a path to the same file that is valid here.
	Program string
	Version string // such as "15.14"; empty if not known
	DataDir string
	// Listens are the addresses it accepts TCP connections on, Sockets the paths
	// of its Unix sockets, as it sees them itself.
	Listens, Sockets []string
	// Elsewhere tells that it has another root directory than this process, as in
	// a container.
	Elsewhere bool
	// Problem says why nothing can be read from it; empty if it can.
	Problem string
	// Timed tells that its program has the probes that tell what the server's work
	// took (Work).
	Timed bool
}
