package value

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pgsniff/pgsniff/internal/zoneinfo"
)

// maxZones bounds the zones that are remembered. tzdata has about 600 names.
const maxZones = 1024

var (
	zonesLock sync.RWMutex
	zones     = map[string]*time.Location{}
)

// Zone returns the time zone that a TimeZone parameter names, as ParameterStatus
// reports it: a name of the tz database or, for an offset such as SET TIME ZONE
// -3 makes, "<-03>+03". It returns nil, which prints as UTC, for names that it does
// not know. Zones are remembered, so that a zone costs a file read once, not with
// each connection. Zone may be called from several goroutines.
func Zone(name string) *time.Location {
	zonesLock.RLock()
	zone, known := zones[name]
	zonesLock.RUnlock()
	if known {
		return zone
	}
	zone = loadZone(name)
	zonesLock.Lock()
	if len(zones) < maxZones {
		zones[strings.Clone(name)] = zone
	}
	zonesLock.Unlock()
	return zone
}

func loadZone(name string) *time.Location {
	if zone := fixedZone(name); zone != nil {
		return zone
	}
	// The capture's Local is not ours; and no name of the tz database is longer.
	if name == "" || name == "Local" || len(name) > 64 {
		return nil
	}
	zone, err := zoneinfo.Load(name)
	if err != nil {
		return nil
	}
	return zone
}

// fixedZone parses a POSIX zone without daylight saving time, "<+05:30>-05:30" or
// "ABC-5": an abbreviation, then hours, minutes and seconds west of Greenwich.
func fixedZone(name string) *time.Location {
	abbreviation, offset := cutAbbreviation(name)
	if abbreviation == "" || offset == "" {
		return nil
	}
	sign := -1 // west to east
	switch offset[0] {
	case '-':
		sign, offset = 1, offset[1:]
	case '+':
		offset = offset[1:]
	}
	seconds, unit := 0, 3600
	for part := range strings.SplitSeq(offset, ":") {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || unit == 0 || n > 167 {
			return nil
		}
		seconds += int(n) * unit
		unit /= 60
	}
	return time.FixedZone(abbreviation, sign*seconds)
}

func cutAbbreviation(name string) (abbreviation, offset string) {
	if rest, found := strings.CutPrefix(name, "<"); found {
		abbreviation, offset, _ = strings.Cut(rest, ">")
		return abbreviation, offset
	}
	letters := 0
	for letters < len(name) && name[letters]|32 >= 'a' && name[letters]|32 <= 'z' {
		letters++
	}
	if letters < 3 {
		return "", ""
	}
	return name[:letters], name[letters:]
}
