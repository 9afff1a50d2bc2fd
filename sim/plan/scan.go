package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// document is a document whose syntax is right: one object without null and without a
// key twice.
type document struct {
	src []byte
	dec *jsontext.Decoder
	// format is the number as it stands there, empty if there is none.
	format string
	// values and keys are where the value of each path begins, and its key.
	values, keys map[string]int
}

// scan checks the syntax of a document and notes where everything stands.
func scan(data []byte) (*document, error) {
	if len(data) > maxDocument {
		return nil, &Error{Message: fmt.Sprintf("longer than %d bytes", maxDocument)}
	}
	d := &document{
		src: data, dec: jsontext.NewDecoder(bytes.NewReader(data)),
		values: make(map[string]int), keys: make(map[string]int),
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, d.errorAt(0, "", "the document is empty")
	}
	if err := d.value(""); err != nil {
		return nil, err
	}
	if end := d.next(); end < len(data) {
		return nil, d.errorAt(end, "", "there is something after the end of the plan")
	}
	if v := jsontext.Value(bytes.TrimSpace(data)); v.Kind() != '{' {
		return nil, d.errorAt(d.values[""], "", fmt.Sprintf("%s stands where an object should", describe(v)))
	}
	return d, nil
}

// value reads the value of a path.
func (d *document) value(path string) error {
	at := d.next()
	d.values[path] = at
	kind := d.dec.PeekKind()
	token, err := d.dec.ReadToken()
	if err != nil {
		return d.broken(path, err)
	}
	switch kind {
	case 'n':
		return d.errorAt(at, path, "null is no value; leave out what has none")
	case '0':
		if path == "format" {
			d.format = token.String()
		}
	case '{':
		for d.dec.PeekKind() != '}' {
			at := d.next()
			token, err := d.dec.ReadToken()
			if err != nil {
				return d.broken(path, err)
			}
			key := member{name: token.String()}.in(path)
			d.keys[key] = at
			if err := d.value(key); err != nil {
				return err
			}
		}
		_, err = d.dec.ReadToken()
	case '[':
		for i := 0; d.dec.PeekKind() != ']'; i++ {
			if err := d.value(fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		_, err = d.dec.ReadToken()
	}
	if err != nil {
		return d.broken(path, err)
	}
	return nil
}

// next returns where the next token begins.
func (d *document) next() int {
	i := int(d.dec.InputOffset())
	for i < len(d.src) && strings.IndexByte(" \t\r\n,:", d.src[i]) >= 0 {
		i++
	}
	return i
}

// broken returns the error about what is no JSON inside the value of a path.
func (d *document) broken(path string, err error) error {
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return d.errorAt(len(d.src), path, "the document is cut off here")
	case !errors.As(err, &syntactic):
		return d.errorAt(d.next(), path, err.Error())
	case errors.Is(err, jsontext.ErrDuplicateName):
		return d.errorAt(int(syntactic.ByteOffset), member{name: syntactic.JSONPointer.LastToken()}.in(path), "the field is there twice")
	}
	return d.errorAt(int(syntactic.ByteOffset), path, syntactic.Err.Error())
}

// locate completes an error with the place in the document.
func (d *document) locate(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Line > 0 {
		return err
	}
	found := *e
	if d.format == "1" {
		found.Path = d.flat(e.Path)
	}
	at, ok := d.keys[found.Path]
	if !ok || !e.key {
		at = d.place(found.Path)
	}
	found.Line, found.Column = d.lineColumn(at)
	return &found
}

// place returns where the value of a path stands, or the nearest thing around it.
func (d *document) place(path string) int {
	for {
		if at, ok := d.values[path]; ok {
			return at
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

func (d *document) lineColumn(at int) (line, column int) {
	before := d.src[:min(max(at, 0), len(d.src))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}

func (d *document) errorAt(at int, path, message string) error {
	line, column := d.lineColumn(at)
	return &Error{Path: path, Line: line, Column: column, Message: message}
}

// member is a field of an object.
type member struct {
	name  string
	value jsontext.Value
}

// in returns the path of a member of the value of a path.
func (m member) in(path string) string {
	if path == "" {
		return m.name
	}
	return path + "." + m.name
}

// members returns the fields of an object whose syntax is right, in order.
func members(object []byte) (all []member) {
	dec := jsontext.NewDecoder(bytes.NewReader(object))
	_, err := dec.ReadToken()
	for err == nil && dec.PeekKind() != '}' {
		var name jsontext.Token
		var value jsontext.Value
		if name, err = dec.ReadToken(); err != nil {
			break
		}
		m := member{name: name.String()}
		if value, err = dec.ReadValue(); err == nil {
			m.value = value.Clone()
			all = append(all, m)
		}
	}
	if err != nil {
		panic(fmt.Sprintf("plan: %s", err)) // the syntax was checked
	}
	return all
}

// elements returns the elements of a list whose syntax is right.
func elements(list []byte) (all []jsontext.Value) {
	dec := jsontext.NewDecoder(bytes.NewReader(list))
	_, err := dec.ReadToken()
	for err == nil && dec.PeekKind() != ']' {
		var v jsontext.Value
		if v, err = dec.ReadValue(); err == nil {
			all = append(all, v.Clone())
		}
	}
	if err != nil {
		panic(fmt.Sprintf("plan: %s", err)) // the syntax was checked
	}
	return all
}

// object returns the object with the fields.
func object(all []member) jsontext.Value {
	b := []byte{'{'}
	for i, m := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, m.name) // it fails for invalid UTF-8 alone, which no document has
		b = append(b, ':')
		b = append(b, m.value...)
	}
	return append(b, '}')
}
