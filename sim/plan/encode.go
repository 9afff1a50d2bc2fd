package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// maxDocument is how long a document may be, in bytes.
const maxDocument = 64 << 20

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

// Read reads and validates a document; see [Decode].
func Read(r io.Reader) (*Plan, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return Decode(data)
}

// ReadFile reads and validates the document in a file; see [Decode].
func ReadFile(name string) (*Plan, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	defer f.Close()
	p, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}
