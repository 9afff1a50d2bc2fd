package cluster

import (
	"reflect"
	"strconv"

	"github.com/hashicorp/raft"
)

// Versions of the Raft library differ. What some of them lack is here, so that a guest can be built
// with any of them, from v1.7.0 on, and with older ones that get shims; see package
// sim/engine/build.

// TermOf returns the current term of a raft. Older versions have it in their statistics alone.
func TermOf(r *raft.Raft) uint64 {
	if r, ok := any(r).(interface{ CurrentTerm() uint64 }); ok {
		return r.CurrentTerm()
	}
	term, _ := strconv.ParseUint(r.Stats()["term"], 10, 64)
	return term
}

// set sets a field of a configuration, if that version has it.
func set(c *raft.Config, field string, value any) {
	if f := reflect.ValueOf(c).Elem().FieldByName(field); f.IsValid() {
		f.Set(reflect.ValueOf(value))
	}
}
