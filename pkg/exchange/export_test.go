package exchange

import (
	"maps"
	"reflect"
	"slices"
)

// PortalsOf returns the names of the portals that the log of a session knows: to nobody
// but a test it matters which are known of that do not exist any more, since to execute
// one of them fails.
func PortalsOf(session any) []string {
	log := reflect.ValueOf(session).Elem().FieldByName("log")
	return slices.Sorted(maps.Keys((*Log)(log.UnsafePointer()).portals))
}
