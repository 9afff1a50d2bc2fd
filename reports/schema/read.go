package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrUnknown is the error for a document of another kind.
var ErrUnknown = errors.New("not a document of dtsim run, check or mutants")

// Read reads a document and returns a *[Campaign], a *[Check] or a *[Mutants], which it distinguishes
// apart by their keys. It ignores unknown keys, as those of a later build. Errors name the line.
func Read(content []byte) (any, error) {
	var keys map[string]json.RawMessage
	if err := decode(content, &keys); err != nil {
		return nil, err
	}
	has := func(names ...string) bool {
		for _, name := range names {
			if _, ok := keys[name]; !ok {
				return false
			}
		}
		return true
	}
	var into any
	switch {
	case has("command", "engine", "run_hashes"):
		into = &Campaign{}
	case has("config", "transitions", "levels"):
		into = &Check{}
	case has("mutants", "unmutated_violations"):
		into = &Mutants{}
	default:
		return nil, ErrUnknown
	}
	return into, decode(content, into)
}

// decode reads one document with nothing after it.
func decode(content []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(content))
	err := d.Decode(into)
	if err == nil {
		rest := bytes.TrimLeft(content[d.InputOffset():], " \t\r\n")
		if len(rest) == 0 {
			return nil
		}
		return fmt.Errorf("line %d: unexpected content after the document", line(content, int64(len(content)-len(rest))))
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: %s", line(content, syntax.Offset), strings.TrimPrefix(err.Error(), "json: "))
	case errors.As(err, &kind) && kind.Field == "":
		return ErrUnknown
	case errors.As(err, &kind):
		return fmt.Errorf("line %d: %s is a %s there", line(content, kind.Offset), kind.Field, kind.Value)
	}
	return fmt.Errorf("line %d: the document was cut off (%w)", line(content, int64(len(content))), err)
}

// line returns the number of the line of a byte, from 1.
func line(content []byte, offset int64) int {
	return 1 + bytes.Count(content[:min(offset, int64(len(content)))], []byte("\n"))
}
