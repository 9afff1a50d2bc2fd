package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
)

// maxDocument is how long a document may be, in bytes.
const maxDocument = 64 << 20

// MarshalJSON writes the plan, and the application's part behind the framework's fields.
func (p Plan) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode((*fields)(&p)); err != nil {
		return nil, err
	}
	if p.Application == "" {
		return b.Bytes(), nil
	}
	b.Truncate(b.Len() - len("}\n"))
	fmt.Fprintf(&b, ",%q:", p.Application)
	if len(p.Part) == 0 {
		b.WriteString("{}")
	}
	b.Write(p.Part)
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads and validates what [Plan.MarshalJSON] writes; see [Decode].
func (p *Plan) UnmarshalJSON(data []byte) error {
	q, err := Decode(data)
	if err == nil {
		*p = *q
	}
	return err
}

// Encode returns the plan's document: indented, fields in the order of the structs,
// the keys of maps sorted. Equal plans have equal documents.
func Encode(p *Plan) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(p); err != nil {
		panic(fmt.Sprintf("plan: a plan cannot be encoded: %v", err)) // no field's type can fail
	}
	return b.Bytes()
}

// Hash returns the sha256 of the plan's document, in hex.
func Hash(p *Plan) string {
	sum := sha256.Sum256(Encode(p))
	return hex.EncodeToString(sum[:])
}

// ReadFile reads and validates the document in a file; see [Decode].
func ReadFile(name string) (*Plan, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	p, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}
