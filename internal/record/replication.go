package record

import "github.com/pgsniff/pgsniff/pkg/replication"

var (
	commandName         = NewField("name", TypeText, "", "The command's first word.")
	commandSlot         = NewField("slot", TypeText, "", "The replication slot.")
	commandType         = NewField("type", TypeText, "", "physical or logical.")
	commandPlugin       = NewField("plugin", TypeText, "", "The output plugin.")
	commandTemporary    = NewField("temporary", TypeBool, "", "The slot goes with its connection.")
	commandWait         = NewField("wait", TypeBool, "", "DROP_REPLICATION_SLOT ... WAIT.")
	commandStart        = NewField("start_lsn", TypeText, "", "Where to start.")
	commandTimeline     = NewField("timeline", TypeInt, "", "The timeline.")
	commandSetting      = NewField("setting", TypeText, "", "What SHOW asks for.")
	commandOptions      = NewField("options", TypeMap, "", "Options by name; those without a value are true.")
	commandPublications = NewField("publications", TypeList, "", "The names in publication_names.")

	backupArchives = NewField("archives", TypeList, "", "The archives, in order; the manifest is the last.")
	backupDone     = NewField("bytes_done", TypeInt, "bytes", "The latest progress report: bytes of the current tablespace.")
	backupDropped  = NewField("others", TypeInt, "", "Archives beyond the first 1,024.")
	archiveName    = NewField("name", TypeText, "", "Name of the file.")
	archivePath    = NewField("tablespace_path", TypeText, "", "Path of the tablespace's directory.")

	lagIdle   = NewField("idle", TypeBool, "", "The client had all that was sent.")
	lagStages = [replication.NumStages]*Field{
		NewField("write", TypeObject, "", "From sending to having written."),
		NewField("flush", TypeObject, "", "From sending to having flushed."),
		NewField("apply", TypeObject, "", "From sending to having applied."),
	}
	lagBytes   = NewField("bytes", TypeInt, "bytes", "What had been sent and was not yet there, in the end.")
	lagSamples = NewField("samples", TypeInt, "", "Number of times that a position came there.")
	lagMin     = NewField("min_ns", TypeInt, "ns", "The shortest time.")
	lagP50     = NewField("p50_ns", TypeInt, "ns", "Half of them took no longer.")
	lagP95     = NewField("p95_ns", TypeInt, "ns", "Of a hundred, 95 took no longer.")
	lagMax     = NewField("max_ns", TypeInt, "ns", "The longest time.")
)

// visitCommand shows what a command of a replication connection asks for.
func visitCommand(v Visitor, c *replication.Command) {
	v.Open(qCommand)
	v.String(commandName, c.Kind.String())
	fact(v, commandSlot, c.Slot)
	switch c.Kind {
	case replication.CommandStartReplication, replication.CommandCreateReplicationSlot:
		kind := "physical"
		if c.Logical {
			kind = "logical"
		}
		v.String(commandType, kind)
	}
	fact(v, commandPlugin, c.Plugin)
	yes(v, commandTemporary, c.Temporary)
	yes(v, commandWait, c.Wait)
	if c.HasStart {
		v.String(commandStart, c.Start.String())
	}
	number(v, commandTimeline, uint64(c.Timeline))
	fact(v, commandSetting, c.Setting)
	if len(c.Options) > 0 {
		v.Open(commandOptions)
		for _, o := range c.Options {
			v.Key([]byte(o.Name))
			if o.HasValue {
				v.String(nil, o.Value)
			} else {
				v.String(nil, "true")
			}
		}
		v.Close()
	}
	visitNames(v, commandPublications, c.Publications())
	v.Close()
}

func visitNames(v Visitor, f *Field, names []string) {
	if len(names) == 0 {
		return
	}
	v.Open(f)
	for _, name := range names {
		v.String(nil, name)
	}
	v.Close()
}

// visitBackup shows what a BASE_BACKUP sent.
func visitBackup(v Visitor, f *Field, b *replication.Backup) {
	v.Open(f)
	v.Open(backupArchives)
	for i := range b.Archives {
		a := &b.Archives[i]
		v.Open(nil)
		fact(v, archiveName, a.Name)
		fact(v, archivePath, a.Tablespace)
		v.Uint(qBytes, a.Bytes)
		v.Close()
	}
	v.Close()
	v.Uint(qBytes, b.Bytes)
	if b.HasDone {
		v.Uint(backupDone, b.Done)
	}
	number(v, backupDropped, b.Dropped)
	v.Close()
}

// visitStream shows what is known of a replication connection.
func visitStream(v Visitor, s *replication.Summary) {
	fact(v, cSlot, s.Slot.Name)
	fact(v, cPlugin, s.Slot.Plugin)
	visitNames(v, cPublications, s.Slot.Publications)
	if s.Messages > 0 {
		v.Uint(cWALBytes, s.WALBytes)
	}
	position(v, cSent, s.Sent)
	position(v, cServerLSN, s.End)
	position(v, cWritten, s.Positions[replication.StageWrite])
	position(v, cFlushed, s.Positions[replication.StageFlush])
	position(v, cApplied, s.Positions[replication.StageApply])
	VisitLag(v, cLag, s)
	if s.Backup != nil {
		visitBackup(v, cBackup, s.Backup)
	}
}

func position(v Visitor, f *Field, l replication.LSN) {
	if l != 0 {
		v.String(f, l.String())
	}
}

// VisitLag shows how far the client was behind, by stage; of a stage that it never
// told of, nothing.
func VisitLag(v Visitor, f *Field, s *replication.Summary) {
	if s.Positions == [replication.NumStages]replication.LSN{} {
		return
	}
	v.Open(f)
	for i := range lagStages {
		if s.Positions[i] == 0 {
			continue
		}
		v.Open(lagStages[i])
		v.Uint(lagBytes, s.Behind[i])
		VisitDurations(v, &s.Lag[i])
		v.Close()
	}
	v.Bool(lagIdle, s.Idle)
	v.Close()
}

// VisitDurations shows how long positions took.
func VisitDurations(v Visitor, d *replication.Durations) {
	v.Uint(lagSamples, d.N)
	if d.N == 0 {
		return
	}
	v.Int(lagMin, d.Min)
	v.Int(lagP50, d.Quantile(0.5))
	v.Int(lagP95, d.Quantile(0.95))
	v.Int(lagMax, d.Max)
}

// VisitSeries shows the lag in periods, for stats.
func VisitSeries(v Visitor, f *Field, s *replication.Summary) {
	v.Open(f)
	for i := range s.Series {
		p := &s.Series[i]
		v.Open(nil)
		v.Time(seriesTime, p.Start)
		for k := range lagStages {
			if p.Lag[k].N > 0 {
				v.Open(lagStages[k])
				VisitDurations(v, &p.Lag[k])
				v.Close()
			}
		}
		v.Close()
	}
	v.Close()
}

var (
	seriesTime = NewField("ts", TypeTime, "", "The beginning of the period.")
	// Series and Period are the members of stats.
	streamSeries = NewField("series", TypeList, "", "The lag in periods.")
	streamPeriod = NewField("period_ns", TypeInt, "ns", "How long each of them is.")
)

// VisitStreamStats shows a replication connection as stats do.
func VisitStreamStats(v Visitor, conn uint64, client, server string, s *replication.Summary) {
	v.Uint(CommonConn, conn)
	v.String(CommonClient, client)
	v.String(CommonServer, server)
	fact(v, cSlot, s.Slot.Name)
	fact(v, cPlugin, s.Slot.Plugin)
	if s.Messages > 0 {
		v.Uint(cWALBytes, s.WALBytes)
	}
	position(v, cSent, s.Sent)
	VisitLag(v, cLag, s)
	if len(s.Series) > 0 {
		v.Int(streamPeriod, s.Period)
		VisitSeries(v, streamSeries, s)
	}
}
