package replication

// The bounds of what is remembered.
const (
	// maxCatalog bounds the descriptions of relations of all connections, in bytes:
	// some 25,000 tables of ten columns.
	maxCatalog = 32 << 20
	// maxDatabases, maxSlots and maxTypes bound maps whose keys an attacker chooses.
	// A server has as many slots as max_replication_slots allows, 10 by default.
	maxDatabases = 1024
	maxSlots     = 4096
	maxTypes     = 16384
	// maxVariants is how many descriptions of one relation are remembered for
	// sibling connections. Publications with column lists, and tables that were
	// altered, have more than one.
	maxVariants = 4
	// maxSlotName is NAMEDATALEN less its NUL.
	maxSlotName = 63
)

// Catalog is what the connections of a capture tell each other: relations by
// database, and the output plugins of slots. It belongs to one goroutine.
type Catalog struct {
	databases map[databaseKey]*database
	slots     map[slotKey]string
	used      int // bytes, of maxCatalog

	// Dropped counts relations and types that found no room.
	Dropped uint64
}

type databaseKey struct{ server, database string }

type slotKey struct{ server, slot string }

// database is what is known of one.
type database struct {
	relations map[uint32][]*Relation
	types     map[uint32]string
	cost      int
}

// NewCatalog returns an empty one.
func NewCatalog() *Catalog {
	return &Catalog{databases: map[databaseKey]*database{}, slots: map[slotKey]string{}}
}

// database returns what is known of a database, nil if too many are.
func (c *Catalog) database(server, name string) *database {
	k := databaseKey{server, name}
	d := c.databases[k]
	if d == nil && len(c.databases) < maxDatabases {
		d = &database{relations: map[uint32][]*Relation{}, types: map[uint32]string{}}
		c.databases[k] = d
	}
	return d
}

// plugin returns the output plugin of a slot, "" if not known.
func (c *Catalog) plugin(server, slot string) string { return c.slots[slotKey{server, slot}] }

func (c *Catalog) setPlugin(server, slot, plugin string) {
	k := slotKey{server, slot}
	if _, known := c.slots[k]; !known && len(c.slots) >= maxSlots ||
		len(slot) > maxSlotName || len(plugin) > maxSlotName {
		return
	}
	c.slots[k] = plugin
}

func (c *Catalog) dropSlot(server, slot string) { delete(c.slots, slotKey{server, slot}) }

// reserve asks for n bytes. What siblings might want is given up first.
func (c *Catalog) reserve(n int) bool {
	if c.used+n > maxCatalog {
		for _, d := range c.databases {
			c.used -= d.cost
			clear(d.relations)
			d.cost = 0
		}
	}
	if c.used+n > maxCatalog {
		return false
	}
	c.used += n
	return true
}

// find returns the description that a message repeats, nil if it is new.
func (d *database) find(m *RelationMessage) *Relation {
	if d == nil {
		return nil
	}
	for _, r := range d.relations[m.OID] {
		if r.body == string(m.body) {
			return r
		}
	}
	return nil
}

// share remembers a description for siblings; the oldest makes room.
func (c *Catalog) share(d *database, r *Relation) {
	if d == nil || !c.reserve(r.cost()) {
		return
	}
	d.cost += r.cost()
	list := d.relations[r.OID]
	if len(list) == maxVariants {
		d.cost -= list[0].cost()
		c.used -= list[0].cost()
		list = append(list[:0], list[1:]...)
	}
	d.relations[r.OID] = append(list, r)
}

// guess returns the one description of a relation that a row fits, nil if there is
// none, or more than one.
func (d *database) guess(oid uint32, t Tuple) (found *Relation) {
	if d == nil {
		return nil
	}
	for _, r := range d.relations[oid] {
		if !fits(r, t) {
			continue
		}
		if found != nil {
			return nil
		}
		found = r
	}
	return found
}

// learnType remembers the name of a type.
func (d *database) learnType(c *Catalog, m *Type) {
	if d == nil || d.types[m.OID] == string(m.Name) {
		return
	}
	if len(d.types) >= maxTypes || len(m.Name) > maxSlotName {
		c.Dropped++
		return
	}
	d.types[m.OID] = string(m.Name)
}

// known is the relations of one connection.
type known struct {
	catalog *Catalog
	byOID   map[uint32]*knownRelation
	clock   uint64 // counts uses
	holes   uint64 // counts losses
	last    *knownRelation
	cost    int
}

type knownRelation struct {
	*Relation
	used  uint64 // clock at its latest use
	holes uint64 // losses before it was described
}

// set remembers a relation; it reports whether there was room.
func (k *known) set(r *Relation) bool {
	e := k.byOID[r.OID]
	if e != nil && e.Relation == r {
		e.holes = k.holes
		return true
	}
	if e != nil {
		k.forget(e)
	}
	if !k.catalog.reserve(r.cost()) {
		k.evict()
		if !k.catalog.reserve(r.cost()) {
			k.catalog.Dropped++
			return false
		}
	}
	k.cost += r.cost()
	k.clock++
	if k.byOID == nil {
		k.byOID = map[uint32]*knownRelation{}
	}
	k.byOID[r.OID] = &knownRelation{Relation: r, used: k.clock, holes: k.holes}
	return true
}

func (k *known) forget(e *knownRelation) {
	k.catalog.used -= e.cost()
	k.cost -= e.cost()
	delete(k.byOID, e.OID)
	k.last = nil
}

// evict forgets those that were not used lately, about half.
func (k *known) evict() {
	var sum uint64
	n := uint64(len(k.byOID))
	if n == 0 {
		return
	}
	for _, e := range k.byOID {
		sum += e.used / n
	}
	for _, e := range k.byOID {
		if e.used <= sum {
			k.forget(e)
		}
	}
}

// get returns a relation of this connection. sure is false where it may have been
// altered since: bytes were lost after it was described.
func (k *known) get(oid uint32) (r *Relation, sure bool) {
	e := k.last
	if e == nil || e.OID != oid {
		if e = k.byOID[oid]; e == nil {
			return nil, false
		}
		k.last = e
	}
	k.clock++
	e.used = k.clock
	return e.Relation, e.holes == k.holes
}

// close gives its memory back.
func (k *known) close() {
	k.catalog.used -= k.cost
	k.cost, k.byOID, k.last = 0, nil, nil
}
