package trace

import "time"

// Body is the content of an event as a struct: one type for each kind of event. The structs
// of the framework are in sim/trace/event, those of an application beside it.
//
// A body that was recorded or read is shared by all that look at the event, and must not
// be changed.
type Body interface {
	// Kind is the kind of the events that have such a body.
	Kind() Kind
	Details
}

// Details are fields of an event as a struct. They may be a part of a body.
type Details interface {
	// Schema names every field once, in the order in which it stands in the file, and
	// thereby writes or reads them all.
	Schema(*Schema)
}

// Schema passes over the fields of an event in their order. The methods named after a
// type write the field of that key, or read it; so writing and reading cannot differ. A
// field that is absent from an event is read as the zero value. A Schema allocates nothing but
// space for the fields that it writes.
type Schema struct {
	fields  []Field
	next    int // the field that is expected next
	reading bool
}

// Writing returns a schema that appends fields to some.
func Writing(fields []Field) Schema { return Schema{fields: fields} }

// Reading returns a schema that reads fields.
func Reading(fields []Field) Schema { return Schema{fields: fields, reading: true} }

// Fields returns what has been written.
func (s *Schema) Fields() []Field { return s.fields }

// FieldsOf returns details as fields.
func FieldsOf(d Details) []Field {
	s := Writing(nil)
	d.Schema(&s)
	return s.fields
}

// ReadFields reads details from fields. Fields that they do not have are passed over.
func ReadFields(fields []Field, d Details) {
	s := Reading(fields)
	d.Schema(&s)
}

// take returns the field of a key, which is mostly the next one.
func (s *Schema) take(key string) (Field, bool) {
	if s.next < len(s.fields) && s.fields[s.next].Key == key {
		s.next++
		return s.fields[s.next-1], true
	}
	for i := range s.fields {
		if s.fields[i].Key == key {
			s.next = i + 1
			return s.fields[i], true
		}
	}
	return Field{}, false
}

// Str is a string.
func (s *Schema) Str(key string, v *string) {
	if !s.reading {
		s.fields = append(s.fields, Str(key, *v))
	} else if f, ok := s.take(key); ok {
		*v = f.Text()
	}
}

// OptStr is a string that is left out if it is empty.
func (s *Schema) OptStr(key string, v *string) {
	if s.reading || *v != "" {
		s.Str(key, v)
	}
}

// Uint is a whole number that is not negative.
func (s *Schema) Uint(key string, v *uint64) {
	if !s.reading {
		s.fields = append(s.fields, Uint(key, *v))
	} else if f, ok := s.take(key); ok {
		*v = f.Uint()
	}
}

// OptUint is such a number that is left out if it is zero.
func (s *Schema) OptUint(key string, v *uint64) {
	if s.reading || *v != 0 {
		s.Uint(key, v)
	}
}

// Int is a whole number.
func (s *Schema) Int(key string, v *int64) {
	if !s.reading {
		s.fields = append(s.fields, Int(key, *v))
	} else if f, ok := s.take(key); ok {
		*v = f.Int()
	}
}

// OptInt is a whole number that is left out if it is zero.
func (s *Schema) OptInt(key string, v *int64) {
	if s.reading || *v != 0 {
		s.Int(key, v)
	}
}

// Dur is a duration, in nanoseconds.
func (s *Schema) Dur(key string, v *time.Duration) { s.Int(key, (*int64)(v)) }

// OptDur is a duration that is left out if it is zero.
func (s *Schema) OptDur(key string, v *time.Duration) { s.OptInt(key, (*int64)(v)) }

// Bool is a truth value.
func (s *Schema) Bool(key string, v *bool) {
	if !s.reading {
		s.fields = append(s.fields, Bool(key, *v))
	} else if f, ok := s.take(key); ok {
		*v = f.Bool()
	}
}

// OptBool is a truth value that is left out if it is false.
func (s *Schema) OptBool(key string, v *bool) {
	if s.reading || *v {
		s.Bool(key, v)
	}
}

// Opt is a value that may be absent, where its zero value means something else.
type Opt[T any] struct {
	Value T
	Set   bool
}

// Some returns a value that is there.
func Some[T any](v T) Opt[T] { return Opt[T]{v, true} }

// SomeUint is a number that may be absent and is not negative.
func (s *Schema) SomeUint(key string, v *Opt[uint64]) {
	if s.has(key, &v.Set) {
		s.Uint(key, &v.Value)
	}
}

// SomeInt is a number that may be absent.
func (s *Schema) SomeInt(key string, v *Opt[int64]) {
	if s.has(key, &v.Set) {
		s.Int(key, &v.Value)
	}
}

// SomeBool is a truth value that may be absent.
func (s *Schema) SomeBool(key string, v *Opt[bool]) {
	if s.has(key, &v.Set) {
		s.Bool(key, &v.Value)
	}
}

// has reports whether a value is there: it is to be written, or there is a field of the
// key to read.
func (s *Schema) has(key string, set *bool) bool {
	if s.reading {
		next := s.next
		_, *set = s.take(key)
		s.next = next
	}
	return *set
}

// Until is all fields up to the one of a key, as they stand.
func (s *Schema) Until(key string, v *[]Field) {
	if !s.reading {
		s.fields = append(s.fields, *v...)
		return
	}
	begin := s.next
	for s.next < len(s.fields) && s.fields[s.next].Key != key {
		s.next++
	}
	if begin < s.next {
		*v = s.fields[begin:s.next:s.next]
	}
}

// Rest is all fields that are left, as they stand.
func (s *Schema) Rest(v *[]Field) {
	s.Until("", v) // no field has such a key
}
