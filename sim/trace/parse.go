package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// strictUnmarshal decodes a line that encoding/json wrote: one value, no unknown
// fields.
func strictUnmarshal(line []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is something after the value")
	}
	return nil
}

// parseEvent reads the line that appendEvent writes, without its end. It is not
// strict about form: the reader encodes the event again and compares.
func parseEvent(line string) (Event, error) {
	s := scanner{s: line}
	e := s.head()
	if s.skip(fieldsPrefix) {
		e.Fields = make([]Field, 0, 1+strings.Count(s.s[s.i:], `,"`))
		for s.err == nil {
			key := s.str()
			s.expect(":")
			f := s.value()
			f.Key = key
			for i := range e.Fields {
				if e.Fields[i].Key == key {
					s.failf("the field %q is there twice", key)
				}
			}
			e.Fields = append(e.Fields, f)
			if !s.skip(",") {
				break
			}
		}
		s.expect("}")
	}
	s.expect("}")
	if s.err == nil && s.i != len(s.s) {
		s.failf("there is something after the event")
	}
	return e, s.err
}

// parseHead reads the beginning of such a line and nothing of its fields.
func parseHead(line []byte) (Event, bool) {
	head, _, _ := bytes.Cut(line, []byte(fieldsPrefix))
	s := scanner{s: string(head)}
	e := s.head()
	return e, s.err == nil
}

// scanner reads one line; after the first error it reads nothing.
type scanner struct {
	s   string
	i   int
	err error
}

// head reads an event up to its fields.
func (s *scanner) head() (e Event) {
	s.expect(eventPrefix)
	e.At = time.Duration(s.number().Int())
	if s.skip(`,"node":`) {
		e.Node = s.str()
	}
	if s.skip(`,"inc":`) {
		e.Incarnation = int(s.number().Int())
	}
	s.expect(`,"kind":`)
	e.Kind = Kind(s.str())
	return e
}

func (s *scanner) failf(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("column %d: %s", s.i+1, fmt.Sprintf(format, args...))
	}
}

// skip steps over lit if it comes next.
func (s *scanner) skip(lit string) bool {
	if s.err != nil || !strings.HasPrefix(s.s[s.i:], lit) {
		return false
	}
	s.i += len(lit)
	return true
}

func (s *scanner) expect(lit string) {
	if !s.skip(lit) {
		s.failf("%s is missing", lit)
	}
}

func (s *scanner) value() Field {
	switch {
	case s.skip("true"):
		return Bool("", true)
	case s.skip("false"):
		return Bool("", false)
	case s.err == nil && s.i < len(s.s) && s.s[s.i] == '"':
		return Str("", s.str())
	}
	return s.number()
}

func (s *scanner) number() Field {
	if s.err != nil {
		return Field{}
	}
	end := s.i
	for end < len(s.s) && (s.s[end] == '-' || '0' <= s.s[end] && s.s[end] <= '9') {
		end++
	}
	text := s.s[s.i:end]
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		s.i = end
		return Int("", v)
	}
	if v, err := strconv.ParseUint(text, 10, 64); err == nil {
		s.i = end
		return Uint("", v)
	}
	s.failf("a value is missing, or no whole number of 64 bits")
	return Field{}
}

func (s *scanner) str() string {
	if s.err != nil {
		return ""
	}
	if s.i >= len(s.s) || s.s[s.i] != '"' {
		s.failf("a string is missing")
		return ""
	}
	for end := s.i + 1; end < len(s.s); end++ {
		switch s.s[end] {
		case '\\':
			return s.escaped()
		case '"':
			text := s.s[s.i+1 : end]
			s.i = end + 1
			return text
		}
	}
	s.failf("the string has no end")
	return ""
}

// escaped reads a string with escapes in it.
func (s *scanner) escaped() string {
	for end := s.i + 1; end < len(s.s); end++ {
		switch s.s[end] {
		case '\\':
			end++
		case '"':
			var text string
			if err := json.Unmarshal([]byte(s.s[s.i:end+1]), &text); err != nil {
				s.failf("%s is no string", s.s[s.i:end+1])
				return ""
			}
			s.i = end + 1
			return text
		}
	}
	s.failf("the string has no end")
	return ""
}
