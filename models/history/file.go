package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Format is the number of the file format that this package reads and writes: JSON
// lines, first a header, then one operation a line, last how many there are.
const Format = 1

// maxLine is how long a line may be, in bytes.
const maxLine = 64 << 20

type (
	header struct {
		History   int        `json:"history"`
		Beginning *Beginning `json:"beginning,omitempty"`
	}
	footer struct {
		Operations int `json:"operations"`
	}
)

// Write writes a history as a file. It refuses one that [Read] would.
func Write(w io.Writer, h *History) error {
	out := bufio.NewWriter(w)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	head := header{History: Format}
	if b := &h.Beginning; b.Tasks != nil || b.Collections != nil {
		head.Beginning = b
	}
	if _, err := h.Beginning.machine(nil); err != nil {
		return err
	}
	if err := encoder.Encode(head); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	for i := range h.Ops {
		if err := h.Ops[i].validate(); err != nil {
			return fmt.Errorf("history: ops[%d].%w", i, err)
		}
		if err := encoder.Encode(&h.Ops[i]); err != nil {
			return fmt.Errorf("history: ops[%d]: %w", i, err)
		}
	}
	if err := encoder.Encode(footer{len(h.Ops)}); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}

// IsHistory reports whether a file begins like one of [Write]'s.
func IsHistory(content []byte) bool { return bytes.HasPrefix(content, []byte(`{"history":`)) }

// Read reads a file of [Write]'s, and refuses what is cut off, edited out of form or
// of another format: the error names the line and what is wrong there.
func Read(r io.Reader) (*History, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	h, number, last := &History{}, 0, false
	for lines.Scan() {
		number++
		if err := h.readLine(lines.Bytes(), number == 1, &last); err != nil {
			return nil, fmt.Errorf("history: line %d: %w", number, err)
		}
	}
	switch err := lines.Err(); {
	case err != nil:
		return nil, fmt.Errorf("history: line %d: %w", number+1, err)
	case number == 0:
		return nil, errors.New("history: the file is empty")
	case !last:
		return nil, fmt.Errorf("history: line %d: the file ends before its line with the number of operations: %w", number, io.ErrUnexpectedEOF)
	}
	return h, nil
}

func (h *History) readLine(line []byte, first bool, last *bool) error {
	switch {
	case *last:
		return errors.New("there is something after the end")
	case first:
		var head header
		if err := strictly(line, &head); err != nil {
			return err
		}
		if head.History != Format {
			return fmt.Errorf("format %d is unknown, this is %d", head.History, Format)
		}
		if head.Beginning != nil {
			h.Beginning = *head.Beginning
		}
		_, err := h.Beginning.machine(nil)
		return err
	case bytes.HasPrefix(line, []byte(`{"operations":`)):
		var foot footer
		if err := strictly(line, &foot); err != nil {
			return err
		}
		if foot.Operations != len(h.Ops) {
			return fmt.Errorf("there are %d operations, the last line counts %d", len(h.Ops), foot.Operations)
		}
		*last = true
		return nil
	}
	var o Op
	if err := strictly(line, &o); err != nil {
		return err
	}
	if err := o.validate(); err != nil {
		return err
	}
	h.Ops = append(h.Ops, o)
	return nil
}

// strictly decodes a line that holds one value and no field that does not belong.
func strictly(line []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("there is something after the value")
	}
	return nil
}
