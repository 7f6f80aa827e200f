package replication

import "strings"

// CommandKind is a command of a walsender.
type CommandKind uint8

// The commands (manual: "Streaming Replication Protocol"). CommandNone is text
// that is none of them, as SQL on such a connection.
const (
	CommandNone CommandKind = iota
	CommandIdentifySystem
	CommandShow
	CommandTimelineHistory
	CommandCreateReplicationSlot
	CommandAlterReplicationSlot
	CommandReadReplicationSlot
	CommandDropReplicationSlot
	CommandStartReplication
	CommandBaseBackup
	CommandUploadManifest
)

var commandNames = [...]string{
	"", "IDENTIFY_SYSTEM", "SHOW", "TIMELINE_HISTORY", "CREATE_REPLICATION_SLOT", "ALTER_REPLICATION_SLOT",
	"READ_REPLICATION_SLOT", "DROP_REPLICATION_SLOT", "START_REPLICATION", "BASE_BACKUP", "UPLOAD_MANIFEST",
}

// String returns the command's first word.
func (k CommandKind) String() string { return commandNames[k] }

// Option is one option of a command.
type Option struct {
	Name  string // as written; the words of older servers' syntax in lower case
	Value string
	// HasValue is false for an option that is on by being named.
	HasValue bool
}

// Command is a command of a walsender with what it asks for. Names are without
// their quotes.
type Command struct {
	Kind      CommandKind
	Slot      string // "" if none
	Logical   bool   // START_REPLICATION and CREATE_REPLICATION_SLOT
	Plugin    string // CREATE_REPLICATION_SLOT ... LOGICAL
	Temporary bool   // CREATE_REPLICATION_SLOT
	Wait      bool   // DROP_REPLICATION_SLOT
	Start     LSN    // START_REPLICATION
	HasStart  bool
	Timeline  uint32 // START_REPLICATION and TIMELINE_HISTORY, 0 if not named
	Setting   string // SHOW
	Options   []Option
}

// Option returns an option's value and whether the option was named.
func (c *Command) Option(name string) (value string, ok bool) {
	for i := range c.Options {
		if strings.EqualFold(c.Options[i].Name, name) {
			return c.Options[i].Value, true
		}
	}
	return "", false
}

// Publications returns the names in the option publication_names.
func (c *Command) Publications() []string {
	list, _ := c.Option("publication_names")
	var names []string
	for l := (lexer{s: list}); ; {
		t := l.next()
		if t.kind != tokenWord && t.kind != tokenIdentifier {
			return names
		}
		name := t.text
		if t.kind == tokenWord {
			name = strings.ToLower(name)
		}
		if names = append(names, name); l.next().kind != tokenComma {
			return names
		}
	}
}

// pgoutput reports whether the options are ones that pgoutput insists on.
func (c *Command) pgoutput() bool {
	_, version := c.Option("proto_version")
	_, publications := c.Option("publication_names")
	return version && publications
}
