package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Error is what is wrong with a plan and where.
type Error struct {
	// Path is the place inside the document, such as "tasks.workload[3].task.kind";
	// empty for the document itself.
	Path string
	// Line and Column count from 1; both are 0 for a plan that did not come from a
	// document. The column counts bytes.
	Line, Column int
	// Message is what is wrong.
	Message string

	// key is true if it is the name of the field that is wrong, not its value.
	key bool
}

// Error returns one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("plan: ")
	if e.Path != "" {
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	if e.Line > 0 {
		fmt.Fprintf(&b, " (line %d, column %d)", e.Line, e.Column)
	}
	return b.String()
}

// Decode reads a document and validates what is the framework's of it; the application's
// part is carried as it is. What the document leaves out is as in [Default], but the
// format number must be there. Unknown fields, a key that is there twice, null, a cut-off
// end, anything after the end and whatever [Plan.Validate] refuses are an [*Error] that
// names path, line and column.
func Decode(data []byte) (*Plan, error) {
	d, err := scan(data)
	if err != nil {
		return nil, err
	}
	p, err := d.decode()
	if err != nil {
		return nil, d.locate(err)
	}
	return p, nil
}

// Locate completes an [*Error] about the plan that was read from a document, for an
// application that has found it: with the path in that document, line and column. Other
// errors are returned as they are.
func Locate(data []byte, err error) error {
	d, broken := scan(data)
	if broken != nil {
		return broken
	}
	return d.locate(err)
}

func (d *document) decode() (*Plan, error) {
	if d.format != "" && d.format != "1" && d.format != strconv.Itoa(Format) {
		return nil, &Error{Path: "format", Message: fmt.Sprintf("format %s is unknown; this build reads formats 1 and %d", d.format, Format)}
	}
	top := members(d.src)
	if d.format == "1" {
		top = upgraded(top)
	}
	p := Default()
	p.Format = 0 // the format must be said
	var own []member
	for _, m := range top {
		switch {
		case slices.Contains(fieldNames(reflect.TypeFor[Plan]()), m.name):
			own = append(own, m)
		case m.value.Kind() == '{' && p.Application == "":
			p.Application, p.Part = m.name, Compact(json.RawMessage(m.value))
		default:
			return nil, unknown(m.name, reflect.TypeFor[Plan](), "the name of an application")
		}
	}
	if err := Unmarshal(object(own), "", (*fields)(&p)); err != nil {
		return nil, err
	}
	for i := range p.Faults {
		if do := p.Faults[i].Do; len(do) > 0 {
			p.Faults[i].Do = Compact(do)
		}
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &p, nil
}

// fields is a [Plan] without its methods.
type fields Plan

// Unmarshal reads JSON into a Go value by the rules of a plan. Errors are [*Error]s whose
// paths begin with path.
func Unmarshal(data []byte, path string, into any) error {
	err := jsonv2.Unmarshal(data, into, jsonv2.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var semantic *jsonv2.SemanticError
	if !errors.As(err, &semantic) {
		return &Error{Path: path, Message: err.Error()}
	}
	at := path
	for token := range semantic.JSONPointer.Tokens() {
		at = join(at, token)
	}
	if semantic.Err == jsonv2.ErrUnknownName {
		return unknown(at, semantic.GoType)
	}
	found := describe(valueAt(data, semantic.JSONPointer))
	wanted := "a list"
	switch t := semantic.GoType; {
	case t == reflect.TypeFor[Duration]():
		return &Error{Path: at, Message: semantic.Err.Error()}
	case t.Kind() == reflect.Struct || t.Kind() == reflect.Map || t.Kind() == reflect.Pointer:
		wanted = "an object"
	case t.Kind() == reflect.String:
		wanted = "a string"
	case t.Kind() == reflect.Bool:
		wanted = "true or false"
	case t.Kind() == reflect.Uint64:
		wanted = "a whole number from 0 to 2^64-1"
	case t.Kind() == reflect.Int:
		wanted = "a whole number"
	}
	return &Error{Path: at, Message: fmt.Sprintf("%s stands where %s should", found, wanted)}
}

// Compact returns a JSON value in the one form that a [Plan] holds: without space, and
// each string written in one way. The value must be JSON.
func Compact(raw json.RawMessage) json.RawMessage {
	v := jsontext.Value(raw).Clone()
	if err := v.Format(jsontext.PreserveRawStrings(false), jsontext.Multiline(false), jsontext.SpaceAfterComma(false), jsontext.SpaceAfterColon(false)); err != nil {
		panic(fmt.Sprintf("plan: %s", err))
	}
	return json.RawMessage(v)
}

// valueAt returns the value inside of a document that a pointer leads to.
func valueAt(v jsontext.Value, pointer jsontext.Pointer) jsontext.Value {
	for token := range pointer.Tokens() {
		switch v.Kind() {
		case '{':
			for _, m := range members(v) {
				if m.name == token {
					v = m.value
				}
			}
		case '[':
			if i, err := strconv.Atoi(token); err == nil {
				v = elements(v)[i]
			}
		}
	}
	return v
}

// describe names a value that stands in the wrong place.
func describe(v jsontext.Value) string {
	switch v.Kind() {
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return string(v)
}

// unknown is the error about a field that a struct does not have; more are other names
// that would do.
func unknown(path string, t reflect.Type, more ...string) error {
	return &Error{Path: path, key: true, Message: "unknown field; known are " + strings.Join(append(fieldNames(t), more...), ", ")}
}

// fieldNames returns the names of a struct's fields in a document.
func fieldNames(t reflect.Type) (names []string) {
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "-" && !f.Anonymous {
			names = append(names, name)
		}
	}
	return names
}

// join returns the path of a member or an element inside of another.
func join(path, token string) string {
	if _, err := strconv.ParseUint(token, 10, 32); err == nil && path != "" {
		return path + "[" + token + "]"
	}
	if path == "" {
		return token
	}
	return path + "." + token
}
