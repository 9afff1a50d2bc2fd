package trace

import (
	"math"
	"strconv"
	"time"
)

// Event is one thing that happened.
type Event struct {
	// Seq is the event's place in its trace, from 1: that of its line after the header.
	// The recorder and the reader set it; it is not written.
	Seq int
	// At is the virtual time since the start of the run. It never runs backwards
	// from one event to the next.
	At time.Duration
	// Node is where it happened; empty for the harness itself.
	Node string
	// Incarnation counts the starts of Node from 1; 0 for the harness.
	Incarnation int
	// Kind is what happened; see the Kind constants.
	Kind Kind
	// Fields are the details, in a fixed order for each kind; nil for a watcher of an event
	// that was recorded with a body.
	Fields []Field
	// Body is the content as a struct, of an event that was recorded with it; nil for others,
	// as for those of a file. See [Recorder.Record].
	Body Body
}

// Get returns the field of that key.
func (e *Event) Get(key string) (Field, bool) {
	for _, f := range e.Fields {
		if f.Key == key {
			return f, true
		}
	}
	return Field{}, false
}

// Str returns the text of the field of that key, "" when there is none.
func (e *Event) Str(key string) string {
	f, _ := e.Get(key)
	return f.Text()
}

// Int returns the number in the field of that key, 0 when there is none.
func (e *Event) Int(key string) int64 {
	f, _ := e.Get(key)
	return f.Int()
}

// Bool returns the truth value in the field of that key, false when there is none.
func (e *Event) Bool(key string) bool {
	f, _ := e.Get(key)
	return f.Bool()
}

// Field is one detail of an event: a key and a string, a whole number or a truth
// value. Make it with [Str], [Int], [Uint], [Bool] or [Dur]; none of them
// allocates. Fields are comparable, and equal after a round through a file.
type Field struct {
	Key  string
	str  string
	num  uint64
	kind fieldKind
}

type fieldKind uint8

const (
	stringField fieldKind = iota
	intField              // num holds an int64
	uintField             // num holds a number above the int64s
	boolField             // num is 0 or 1
)

// Str makes a field that holds a string.
func Str(key, value string) Field { return Field{Key: key, str: value, kind: stringField} }

// Int makes a field that holds a whole number.
func Int(key string, value int64) Field {
	return Field{Key: key, num: uint64(value), kind: intField}
}

// Uint makes a field that holds a whole number.
func Uint(key string, value uint64) Field {
	if value > math.MaxInt64 {
		return Field{Key: key, num: value, kind: uintField}
	}
	return Field{Key: key, num: value, kind: intField}
}

// Bool makes a field that holds a truth value.
func Bool(key string, value bool) Field {
	f := Field{Key: key, kind: boolField}
	if value {
		f.num = 1
	}
	return f
}

// Dur makes a field that holds a duration as a number of nanoseconds.
func Dur(key string, value time.Duration) Field { return Int(key, int64(value)) }

// Text returns the value as text: a string as it is, everything else as it stands
// in the file.
func (f Field) Text() string {
	switch f.kind {
	case intField:
		return strconv.FormatInt(int64(f.num), 10)
	case uintField:
		return strconv.FormatUint(f.num, 10)
	case boolField:
		return strconv.FormatBool(f.num != 0)
	}
	return f.str
}

// Int returns the number; 0 for a field that holds none that fits.
func (f Field) Int() int64 {
	if f.kind == intField {
		return int64(f.num)
	}
	return 0
}

// Uint returns the number; 0 for a field that holds none or a negative one.
func (f Field) Uint() uint64 {
	if f.kind == uintField || f.kind == intField && int64(f.num) >= 0 {
		return f.num
	}
	return 0
}

// Bool returns the truth value; false for a field that holds none.
func (f Field) Bool() bool { return f.kind == boolField && f.num != 0 }
