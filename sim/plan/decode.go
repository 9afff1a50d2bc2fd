package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Error says what is wrong with a plan and where.
type Error struct {
	// Path is the place inside the document, such as "workload[3].task.kind"; empty
	// for the document itself.
	Path string
	// Line and Column count from 1; both are 0 for a plan that did not come from a
	// document. The column counts bytes.
	Line, Column int
	// Message says what is wrong.
	Message string
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

// Decode reads a document and validates it. What the document leaves out is as in
// [Default], but the format number must be there. Unknown fields, a key that is
// there twice, null, a cut-off end, anything after the end and whatever
// [Plan.Validate] refuses are an *[Error] that names path, line and column.
func Decode(data []byte) (*Plan, error) {
	if len(data) > maxDocument {
		return nil, &Error{Message: fmt.Sprintf("longer than %d bytes", maxDocument)}
	}
	d := &decoder{src: data, json: json.NewDecoder(bytes.NewReader(data)), places: map[string]int{"": 0}}
	d.json.UseNumber()
	if err := d.format(); err != nil {
		return nil, err
	}
	var p Plan
	if err := d.value("", reflect.ValueOf(&p).Elem()); err != nil {
		return nil, err
	}
	end := d.next()
	if _, err := d.json.Token(); err != io.EOF {
		return nil, d.errorf(end, "", "there is something after the end of the plan")
	}
	if err := p.Validate(); err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.Line, e.Column = d.lineColumn(d.placeOf(e.Path))
		}
		return nil, err
	}
	return &p, nil
}

// decoder reads a document into the structs of this package.
type decoder struct {
	src    []byte
	json   *json.Decoder
	places map[string]int // where the value of each path begins
}

// format complains about a document of another format before its fields are
// looked at: they may well be unknown.
func (d *decoder) format() error {
	var head struct {
		Format *json.Number `json:"format"`
	}
	if json.Unmarshal(d.src, &head) != nil || head.Format == nil {
		return nil // Validate, or the strict reading, says it better
	}
	if n := head.Format.String(); n != strconv.Itoa(Format) {
		return &Error{Path: "format", Message: fmt.Sprintf("format %s is unknown; this build reads format %d", n, Format)}
	}
	return nil
}

func (d *decoder) value(path string, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(path, v.Elem())
	}
	at := d.next()
	d.places[path] = at
	if v.Type() == reflect.TypeFor[Duration]() {
		return d.duration(path, v)
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.object(path, v)
	case reflect.Slice:
		return d.list(path, v)
	case reflect.Map:
		return d.table(path, v)
	}
	token, err := d.token(path)
	if err != nil {
		return err
	}
	switch v.Kind() {
	case reflect.String:
		if s, ok := token.(string); ok {
			v.SetString(s)
			return nil
		}
		return d.errorf(at, path, "%s stands where a string should", describe(token))
	case reflect.Bool:
		if b, ok := token.(bool); ok {
			v.SetBool(b)
			return nil
		}
		return d.errorf(at, path, "%s stands where true or false should", describe(token))
	case reflect.Int:
		if n, ok := token.(json.Number); ok {
			if i, err := strconv.ParseInt(n.String(), 10, 0); err == nil {
				v.SetInt(i)
				return nil
			}
		}
		return d.errorf(at, path, "%s stands where a whole number should", describe(token))
	case reflect.Uint64:
		if n, ok := token.(json.Number); ok {
			if u, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
				v.SetUint(u)
				return nil
			}
		}
		return d.errorf(at, path, "%s stands where a whole number from 0 to 2^64-1 should", describe(token))
	}
	panic("plan: no way to decode " + v.Type().String())
}

func (d *decoder) duration(path string, v reflect.Value) error {
	at := d.next()
	token, err := d.token(path)
	if err != nil {
		return err
	}
	s, ok := token.(string)
	if !ok {
		return d.errorf(at, path, "%s stands where a duration such as %q should", describe(token), "1.5s")
	}
	t, err := time.ParseDuration(s)
	if err != nil {
		return d.errorf(at, path, "%q is no duration; write it like %q", s, "1.5s")
	}
	v.SetInt(int64(t))
	return nil
}

func (d *decoder) object(path string, v reflect.Value) error {
	if def, ok := v.Addr().Interface().(defaulter); ok {
		def.setDefaults()
	}
	return d.entries(path, func(at int, key string) error {
		for f, fv := range v.Fields() {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == key {
				return d.value(join(path, key), fv)
			}
		}
		return d.errorf(at, join(path, key), "unknown field; known are %s", strings.Join(fieldNames(v.Type()), ", "))
	})
}

func (d *decoder) table(path string, v reflect.Value) error {
	v.Set(reflect.MakeMap(v.Type()))
	return d.entries(path, func(_ int, key string) error {
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(join(path, key), elem); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(key), elem)
		return nil
	})
}

// entries reads an object and calls f for each key, which reads the value.
func (d *decoder) entries(path string, f func(at int, key string) error) error {
	if err := d.open(path, '{', "an object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.json.More() {
		at := d.next()
		token, err := d.token(path)
		if err != nil {
			return err
		}
		key := token.(string) // the tokenizer lets nothing else be a key
		if seen[key] {
			return d.errorf(at, join(path, key), "the field is there twice")
		}
		seen[key] = true
		if err := f(at, key); err != nil {
			return err
		}
	}
	_, err := d.token(path)
	return err
}

func (d *decoder) list(path string, v reflect.Value) error {
	if err := d.open(path, '[', "a list"); err != nil {
		return err
	}
	for i := 0; d.json.More(); i++ {
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(path+"["+strconv.Itoa(i)+"]", elem); err != nil {
			return err
		}
		v.Set(reflect.Append(v, elem))
	}
	_, err := d.token(path)
	return err
}

func (d *decoder) open(path string, delim json.Delim, what string) error {
	at := d.next()
	token, err := d.token(path)
	if err != nil {
		return err
	}
	if token != delim {
		return d.errorf(at, path, "%s stands where %s should", describe(token), what)
	}
	return nil
}

// token returns the next token, or an error that says what is broken.
func (d *decoder) token(path string) (json.Token, error) {
	token, err := d.json.Token()
	if err == nil {
		return token, nil
	}
	var syntax *json.SyntaxError
	switch {
	case err == io.EOF && len(bytes.TrimSpace(d.src)) == 0:
		return nil, d.errorf(0, "", "the document is empty")
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
		return nil, d.errorf(len(d.src), path, "the document is cut off here")
	case errors.As(err, &syntax):
		at := syntax.Offset
		if at != d.json.InputOffset() { // then it counts the bad byte, too
			at--
		}
		return nil, d.errorf(int(at), path, "%s", syntax)
	default:
		return nil, d.errorf(int(d.json.InputOffset()), path, "%s", err)
	}
}

// next returns where the next token begins.
func (d *decoder) next() int {
	i := int(d.json.InputOffset())
	for i < len(d.src) && strings.IndexByte(" \t\r\n,:", d.src[i]) >= 0 {
		i++
	}
	return i
}

// placeOf returns where the value of a path stands, or the nearest thing around it.
func (d *decoder) placeOf(path string) int {
	for {
		if at, ok := d.places[path]; ok {
			return at
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

func (d *decoder) lineColumn(at int) (line, column int) {
	before := d.src[:min(max(at, 0), len(d.src))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}

func (d *decoder) errorf(at int, path, format string, args ...any) error {
	line, column := d.lineColumn(at)
	return &Error{Path: path, Line: line, Column: column, Message: fmt.Sprintf(format, args...)}
}

// describe names a token that stands in the wrong place.
func describe(t json.Token) string {
	switch t := t.(type) {
	case nil:
		return "null"
	case json.Delim:
		if t == '{' {
			return "an object"
		}
		return "a list"
	case string:
		return strconv.Quote(t)
	default:
		return fmt.Sprint(t)
	}
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
