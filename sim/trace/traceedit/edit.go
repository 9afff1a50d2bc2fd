// Package traceedit changes sequences of events, so that tests can show that a check sees it.
package traceedit

import (
	"slices"
	"strings"

	"dtsim/sim/trace"
)

// Script changes a sequence of events, which is its own to change. It panics where there
// is nothing to change: a test that changes nothing shows nothing.
type Script func(all []trace.Event) []trace.Event

// Is matches an event by its kind and by fields written key=value. The key "node" is the
// event's node; of a "body" the value is a part.
func Is(kind trace.Kind, fields ...string) func(trace.Event) bool {
	return func(e trace.Event) bool {
		if e.Kind != kind {
			return false
		}
		for _, f := range fields {
			key, value, _ := strings.Cut(f, "=")
			if key == "node" && e.Node == value {
				continue
			}
			if key == "body" && strings.Contains(e.Str("body"), value) {
				continue
			}
			if e.Str(key) != value {
				return false
			}
		}
		return true
	}
}

// Find returns the place of the first event that matches.
func Find(all []trace.Event, match func(trace.Event) bool) int {
	i := slices.IndexFunc(all, match)
	if i < 0 {
		panic("traceedit: no event matches")
	}
	return i
}

// Set changes fields of the first event that matches, and adds those that are absent.
func Set(match func(trace.Event) bool, fields ...trace.Field) Script {
	return func(all []trace.Event) []trace.Event {
		i := Find(all, match)
		all[i].Fields = slices.Clone(all[i].Fields)
		for _, f := range fields {
			at := slices.IndexFunc(all[i].Fields, func(old trace.Field) bool { return old.Key == f.Key })
			if at < 0 {
				all[i].Fields = append(all[i].Fields, f)
				continue
			}
			all[i].Fields[at] = f
		}
		return all
	}
}

// Edit replaces a text in a field of the first event that matches, wherever it stands
// there.
func Edit(match func(trace.Event) bool, key, from, to string) Script {
	return func(all []trace.Event) []trace.Event {
		text := all[Find(all, match)].Str(key)
		if !strings.Contains(text, from) {
			panic("traceedit: " + text + " has no " + from)
		}
		return Set(match, trace.Str(key, strings.ReplaceAll(text, from, to)))(all)
	}
}

// DropFirst removes the first event that matches.
func DropFirst(match func(trace.Event) bool) Script {
	return func(all []trace.Event) []trace.Event {
		i := Find(all, match)
		return slices.Delete(all, i, i+1)
	}
}

// DropAll removes all events that match.
func DropAll(match func(trace.Event) bool) Script {
	return func(all []trace.Event) []trace.Event {
		Find(all, match)
		return slices.DeleteFunc(all, match)
	}
}
