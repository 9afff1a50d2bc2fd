package explore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"unsafe"

	"github.com/cespare/xxhash/v2"
)

// content compares states of type S by what they hold. Two states are equal iff their
// canonical encodings are: numbers and booleans by value, strings and slices by length and
// elements, maps by their entries in the order of the encoded keys, interfaces by dynamic
// type and value, structs field by field without the blank ones. A nil slice or map is
// equal to an empty one. Floating-point numbers are equal as ==, and every NaN is equal to
// every other.
//
// It is derived from the type once for each search, and safe for concurrent use.
type content[S any] struct {
	encode encoder
	// shared reports whether copies of a state share memory: slices, maps, interfaces.
	shared  bool
	buffers sync.Pool // of *[]byte
}

// encoder appends the canonical encoding of the value that p points to. No encoding of a
// type is the beginning of another one.
type encoder func(b []byte, p unsafe.Pointer) []byte

// contentOf derives how states of a type are compared. It is an error if the type holds
// pointers, channels or functions.
func contentOf[S any]() (*content[S], error) {
	t := reflect.TypeFor[S]()
	encode, err := encoders{}.of(t, t.String())
	if err != nil {
		return nil, err
	}
	c := &content[S]{encode: encode, shared: shares(t)}
	c.buffers.New = func() any { return new([]byte) }
	return c, nil
}

// with calls f with the encoding of a state, which is not valid afterwards.
func (c *content[S]) with(s *S, f func(encoded []byte)) {
	buffer := c.buffers.Get().(*[]byte)
	*buffer = c.encode((*buffer)[:0], unsafe.Pointer(s))
	f(*buffer)
	c.buffers.Put(buffer)
}

// hash is the fingerprint of a state whose model has none of its own.
func (c *content[S]) hash(s *S) (h uint64) {
	c.with(s, func(encoded []byte) { h = xxhash.Sum64(encoded) })
	return h
}

// key is the encoding of a state.
func (c *content[S]) key(s *S) (key string) {
	c.with(s, func(encoded []byte) { key = string(encoded) })
	return key
}

// size is about how many bytes a state refers to.
func (c *content[S]) size(s *S) (n int) {
	c.with(s, func(encoded []byte) { n = len(encoded) })
	return n
}

func (c *content[S]) equal(a, b *S) (equal bool) {
	c.with(a, func(x []byte) { c.with(b, func(y []byte) { equal = bytes.Equal(x, y) }) })
	return equal
}

// encoders are those derived so far, so that a type may contain itself.
type encoders map[reflect.Type]*encoder

// of derives the encoder of a type; path names where it stands in the state.
func (known encoders) of(t reflect.Type, path string) (encoder, error) {
	if e, ok := known[t]; ok {
		return func(b []byte, p unsafe.Pointer) []byte { return (*e)(b, p) }, nil
	}
	e := new(encoder)
	known[t] = e
	made, err := known.derive(t, path)
	*e = made
	return made, err
}

func (known encoders) derive(t reflect.Type, path string) (encoder, error) {
	if flat(t) {
		size := t.Size()
		return func(b []byte, p unsafe.Pointer) []byte { return appendMemory(b, p, size) }, nil
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(b []byte, p unsafe.Pointer) []byte {
			return binary.LittleEndian.AppendUint64(b, uint64(reflect.NewAt(t, p).Elem().Int()))
		}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(b []byte, p unsafe.Pointer) []byte {
			return binary.LittleEndian.AppendUint64(b, reflect.NewAt(t, p).Elem().Uint())
		}, nil
	case reflect.Float32, reflect.Float64:
		return func(b []byte, p unsafe.Pointer) []byte { return appendFloat(b, reflect.NewAt(t, p).Elem().Float()) }, nil
	case reflect.Complex64, reflect.Complex128:
		return func(b []byte, p unsafe.Pointer) []byte {
			v := reflect.NewAt(t, p).Elem().Complex()
			return appendFloat(appendFloat(b, real(v)), imag(v))
		}, nil
	case reflect.String:
		return func(b []byte, p unsafe.Pointer) []byte {
			s := *(*string)(p)
			return append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}, nil
	case reflect.Array:
		element, err := known.of(t.Elem(), path+"[]")
		n, size := uintptr(t.Len()), t.Elem().Size()
		return func(b []byte, p unsafe.Pointer) []byte { return appendElements(b, element, p, n, size) }, err
	case reflect.Struct:
		return known.fields(t, path)
	case reflect.Slice:
		return known.slice(t, path)
	case reflect.Map:
		return known.entries(t, path)
	case reflect.Interface:
		return dynamic(t, path), nil
	}
	return nil, fmt.Errorf("%s is a %s (%s), which a state must not hold: states are compared by their content", path, t.Kind(), t)
}

// flat reports whether values of a type are equal iff their memory is, on every machine
// alike: it has no references, no floating-point numbers, no padding and no blank fields.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Uint8:
		return true
	case reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return littleEndian
	case reflect.Int, reflect.Uint, reflect.Uintptr:
		return littleEndian && t.Size() == 8
	case reflect.Array:
		return flat(t.Elem())
	case reflect.Struct:
		end := uintptr(0)
		for f := range t.Fields() {
			if f.Name == "_" || f.Offset != end || !flat(f.Type) {
				return false
			}
			end += f.Type.Size()
		}
		return end == t.Size()
	}
	return false
}

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

func appendMemory(b []byte, p unsafe.Pointer, size uintptr) []byte {
	return append(b, unsafe.Slice((*byte)(p), size)...)
}

// appendElements encodes n values that follow each other.
func appendElements(b []byte, element encoder, p unsafe.Pointer, n, size uintptr) []byte {
	for i := range n {
		b = element(b, unsafe.Add(p, i*size))
	}
	return b
}

// appendFloat appends a number; those that are == have one encoding.
func appendFloat(b []byte, v float64) []byte {
	switch {
	case v == 0:
		v = 0 // and not -0
	case v != v:
		v = math.NaN()
	}
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
}

func (known encoders) fields(t reflect.Type, path string) (encoder, error) {
	type field struct {
		offset uintptr
		encode encoder
	}
	var all []field
	for f := range t.Fields() {
		if f.Name == "_" {
			continue
		}
		encode, err := known.of(f.Type, path+"."+f.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, field{f.Offset, encode})
	}
	return func(b []byte, p unsafe.Pointer) []byte {
		for i := range all {
			b = all[i].encode(b, unsafe.Add(p, all[i].offset))
		}
		return b
	}, nil
}

func (known encoders) slice(t reflect.Type, path string) (encoder, error) {
	element, err := known.of(t.Elem(), path+"[]")
	if err != nil {
		return nil, err
	}
	size, flat := t.Elem().Size(), flat(t.Elem())
	return func(b []byte, p unsafe.Pointer) []byte {
		// Slices of all types have the same header.
		s := *(*[]struct{})(p)
		n, first := uintptr(len(s)), unsafe.Pointer(unsafe.SliceData(s))
		b = binary.AppendUvarint(b, uint64(n))
		if flat {
			return appendMemory(b, first, n*size)
		}
		return appendElements(b, element, first, n, size)
	}, nil
}

func (known encoders) entries(t reflect.Type, path string) (encoder, error) {
	key, err := known.of(t.Key(), path+"[key]")
	if err != nil {
		return nil, err
	}
	value, err := known.of(t.Elem(), path+"[value]")
	if err != nil {
		return nil, err
	}
	return func(b []byte, p unsafe.Pointer) []byte {
		m := reflect.NewAt(t, p).Elem()
		k, v := reflect.New(t.Key()), reflect.New(t.Elem())
		entries := make([][]byte, 0, m.Len())
		for each := m.MapRange(); each.Next(); {
			k.Elem().SetIterKey(each)
			v.Elem().SetIterValue(each)
			entries = append(entries, value(key(nil, k.UnsafePointer()), v.UnsafePointer()))
		}
		slices.SortFunc(entries, bytes.Compare)
		b = binary.AppendUvarint(b, uint64(len(entries)))
		for _, e := range entries {
			b = append(b, e...)
		}
		return b
	}, nil
}

// dynamic encodes interfaces. What type a value has shows only in the search, so a value
// that a state must not hold is a panic.
func dynamic(t reflect.Type, path string) encoder {
	var known sync.Map // of encoder by reflect.Type
	of := func(t reflect.Type) encoder {
		if e, ok := known.Load(t); ok {
			return e.(encoder)
		}
		e, err := encoders{}.of(t, path+".("+t.String()+")")
		if err != nil {
			panic("explore: " + err.Error())
		}
		known.Store(t, e)
		return e
	}
	return func(b []byte, p unsafe.Pointer) []byte {
		v := reflect.NewAt(t, p).Elem().Elem()
		if !v.IsValid() {
			return append(b, 0)
		}
		name := v.Type().PkgPath() + " " + v.Type().String()
		b = append(binary.AppendUvarint(append(b, 1), uint64(len(name))), name...)
		held := reflect.New(v.Type())
		held.Elem().Set(v)
		return of(v.Type())(b, held.UnsafePointer())
	}
}

// shares reports whether copies of a value of a type share memory that can be changed.
func shares(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return shares(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if shares(f.Type) {
				return true
			}
		}
		return false
	}
	return t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Interface
}
