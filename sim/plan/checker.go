package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Checker keeps the first complaint about a plan. Each of its methods complains
// about a value at a path if it is not allowed; after the first complaint the others
// are ignored. The zero value is ready to use.
type Checker struct{ err *Error }

// Err returns the first complaint, an [*Error], or nil.
func (c *Checker) Err() error {
	if c.err == nil {
		return nil
	}
	return c.err
}

// Failed reports whether there is a complaint.
func (c *Checker) Failed() bool { return c.err != nil }

// Failf complains.
func (c *Checker) Failf(path, format string, args ...any) {
	if c.err == nil {
		c.err = &Error{Path: path, Message: fmt.Sprintf(format, args...)}
	}
}

// Fail complains with an error that stands already.
func (c *Checker) Fail(err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Message: err.Error()}
	}
	if c.err == nil {
		c.err = e
	}
}

// Number requires n to be from lo to hi.
func (c *Checker) Number(path string, n, lo, hi int) {
	if n < lo || n > hi {
		c.Failf(path, "%d is not from %d to %d", n, lo, hi)
	}
}

// Duration requires d to be from lo to hi.
func (c *Checker) Duration(path string, d, lo, hi Duration) {
	switch {
	case d < 0:
		c.Failf(path, "%s is negative", d)
	case d < lo:
		c.Failf(path, "%s is below %s", d, lo)
	case d > hi:
		c.Failf(path, "%s is above %s", d, hi)
	}
}

// Name requires what can be part of a longer name and of a file's name.
func (c *Checker) Name(path, s string) {
	switch {
	case s == "":
		c.Failf(path, "missing")
	case !isName(s):
		c.Failf(path, "%q is no name: letters, digits and, not in front, any of _ - . (at most %d)", s, MaxNameLength)
	}
}

func isName(s string) bool {
	ok := len(s) <= MaxNameLength && s != ""
	for i := range len(s) {
		c := s[i]
		ok = ok && ('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || i > 0 && (c == '_' || c == '-' || c == '.'))
	}
	return ok
}

// ID requires what can be shown on one line.
func (c *Checker) ID(path, s string) {
	switch {
	case s == "":
		c.Failf(path, "missing")
	case len(s) > MaxIDLength:
		c.Failf(path, "longer than %d bytes", MaxIDLength)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		c.Failf(path, "%q holds what cannot be printed", s)
	}
}

// Names requires a list of distinct names.
func (c *Checker) Names(path string, list []string) {
	if len(list) > MaxNames {
		c.Failf(path, "%d names; at most %d are possible", len(list), MaxNames)
		return
	}
	seen := make(map[string]int, len(list))
	for i, s := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		c.Name(at, s)
		if first, twice := seen[s]; twice {
			c.Failf(at, "%q is there twice; the first is %s[%d]", s, path, first)
		}
		seen[s] = i
	}
}

// OneOf requires a value that is allowed.
func OneOf[T ~string](c *Checker, path string, got T, allowed []T) {
	if slices.Contains(allowed, got) {
		return
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	if got == "" {
		c.Failf(path, "missing; one of %s", strings.Join(words, ", "))
		return
	}
	c.Failf(path, "%q is none of %s", string(got), strings.Join(words, ", "))
}

// Field is a field of an object.
type Field = struct {
	Name string
	// Is reports whether the field has a value.
	Is bool
}

// Use is which fields something uses: those it needs, and those it may have.
type Use struct {
	Needs, May []string
	// Ops are the values of a fault's op; nil leaves them to the application.
	Ops []string
}

// Fields requires the fields that who needs, and none that it has no use for.
func (c *Checker) Fields(path, who string, use Use, fields []Field) {
	for _, f := range fields {
		switch needed := slices.Contains(use.Needs, f.Name); {
		case needed && !f.Is:
			c.Failf(path+"."+f.Name, "missing; %s needs it", who)
		case f.Is && !needed && !slices.Contains(use.May, f.Name):
			c.Failf(path+"."+f.Name, "%s has no use for it", who)
		}
	}
}
