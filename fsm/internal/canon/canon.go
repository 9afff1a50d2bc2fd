// Package canon writes values as encoding/json does, byte for byte and without
// reflection: a replica's state is hashed at every index where it is audited, and
// written in snapshots.
//
// Its one invariant: what it appends is what json.Marshal returns for the value. It
// does not depend on tasks.
package canon

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// String appends s as a JSON string.
func String[T ~string](b []byte, s T) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c >= utf8.RuneSelf, c == '"', c == '\\', c == '<', c == '>', c == '&':
			quoted, err := json.Marshal(string(s))
			if err != nil {
				panic("canon: a string has no JSON form: " + err.Error())
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// Bytes appends p in base64, null when it is nil.
func Bytes(b, p []byte) []byte {
	if p == nil {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, p)
	return append(b, '"')
}

// Float appends a number of 32 bits. One that is not finite has no JSON form.
func Float(b []byte, v float32) ([]byte, error) {
	f := float64(v)
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return b, fmt.Errorf("%v is not finite", v)
	}
	format := byte('f')
	if abs := float32(math.Abs(f)); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	b = strconv.AppendFloat(b, f, format, -1, 32)
	if n := len(b); format == 'e' && n >= 4 && b[n-4] == 'e' && b[n-3] == '-' && b[n-2] == '0' {
		b = append(b[:n-2], b[n-1]) // e-09 is e-9
	}
	return b, nil
}

// Time appends an instant. One outside of the years 0 to 9999 has no JSON form.
func Time(b []byte, t time.Time) ([]byte, error) {
	b, err := t.AppendText(append(b, '"'))
	return append(b, '"'), err
}

// Object appends an object with an entry for every key of m, sorted; value appends
// the value of a key.
func Object[V any](b []byte, m map[string]V, value func([]byte, V) ([]byte, error)) (_ []byte, err error) {
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(String(b, key), ':')
		if b, err = value(b, m[key]); err != nil {
			return b, fmt.Errorf("%q: %w", key, err)
		}
	}
	return append(b, '}'), nil
}

// Array appends an array, null when s is nil.
func Array[V any](b []byte, s []V, value func([]byte, V) ([]byte, error)) (_ []byte, err error) {
	if s == nil {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i, v := range s {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = value(b, v); err != nil {
			return b, fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return append(b, ']'), nil
}
