package api

import (
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// The envelope's protobuf fields. 1 to 4 are Weaviate's; the request id is far
// above what its schema uses, so that peers that do not know it skip it.
const (
	fieldType       protowire.Number = 1
	fieldClass      protowire.Number = 2
	fieldVersion    protowire.Number = 3
	fieldSubCommand protowire.Number = 4
	fieldClient     protowire.Number = 101
	fieldSeq        protowire.Number = 102
	fieldLow        protowire.Number = 103
	fieldSince      protowire.Number = 104
)

// NewApplyRequest wraps request, a pointer to one of this package's request
// structs, as a command of type t. It fails when request has no JSON form, such
// as a progress that is not a number.
func NewApplyRequest(t CommandType, request any) (*ApplyRequest, error) {
	sub, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("marshal %s: %w", t, err)
	}
	return &ApplyRequest{Type: t, SubCommand: sub}, nil
}

// Encode returns the protobuf form of r: fields in ascending order, zero values
// left out, so that equal requests have equal bytes.
func Encode(r *ApplyRequest) []byte {
	b := make([]byte, 0, 48+len(r.Class)+len(r.SubCommand)+len(r.RequestID.Client))
	b = appendVarint(b, fieldType, uint64(int64(r.Type)))
	b = appendBytes(b, fieldClass, r.Class)
	b = appendVarint(b, fieldVersion, r.Version)
	b = appendBytes(b, fieldSubCommand, r.SubCommand)
	b = appendBytes(b, fieldClient, r.RequestID.Client)
	b = appendVarint(b, fieldSeq, r.RequestID.Seq)
	b = appendVarint(b, fieldLow, r.RequestID.Low)
	return appendVarint(b, fieldSince, r.RequestID.Since)
}

// Decode reads what [Encode], or a protobuf encoder of Weaviate's message, wrote.
// Unknown fields are skipped and of a repeated field the last one counts, as in
// protobuf. The result shares no memory with b. The error names the field and the
// offset at which reading stopped.
func Decode(b []byte) (*ApplyRequest, error) {
	r := &ApplyRequest{}
	for offset := 0; offset < len(b); {
		num, wire, n := protowire.ConsumeTag(b[offset:])
		if n < 0 {
			return nil, fmt.Errorf("decode apply request: tag at byte %d: %w", offset, protowire.ParseError(n))
		}
		offset += n
		n, err := r.decodeField(num, wire, b[offset:])
		if err != nil {
			return nil, fmt.Errorf("decode apply request: field %d at byte %d: %w", num, offset, err)
		}
		offset += n
	}
	return r, nil
}

// decodeField reads one value from the start of b and returns its length.
func (r *ApplyRequest) decodeField(num protowire.Number, wire protowire.Type, b []byte) (int, error) {
	switch num {
	case fieldType:
		var v uint64
		n, err := consumeVarint(b, wire, &v)
		if err != nil {
			return 0, err
		}
		if t := int64(v); t < math.MinInt32 || t > math.MaxInt32 {
			return 0, fmt.Errorf("command type %d is not a 32 bit number", t)
		}
		r.Type = CommandType(int64(v))
		return n, nil
	case fieldClass:
		return consumeString(b, wire, &r.Class)
	case fieldVersion:
		return consumeVarint(b, wire, &r.Version)
	case fieldSubCommand:
		return consumeBytes(b, wire, &r.SubCommand)
	case fieldClient:
		return consumeString(b, wire, &r.RequestID.Client)
	case fieldSeq:
		return consumeVarint(b, wire, &r.RequestID.Seq)
	case fieldLow:
		return consumeVarint(b, wire, &r.RequestID.Low)
	case fieldSince:
		return consumeVarint(b, wire, &r.RequestID.Since)
	}
	n := protowire.ConsumeFieldValue(num, wire, b)
	return n, protowire.ParseError(n)
}

func appendVarint(b []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

func appendBytes[T string | []byte](b []byte, num protowire.Number, v T) []byte {
	if len(v) == 0 {
		return b
	}
	b = protowire.AppendTag(b, num, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(v)))
	return append(b, v...)
}

func consumeVarint(b []byte, wire protowire.Type, into *uint64) (int, error) {
	if wire != protowire.VarintType {
		return 0, fmt.Errorf("wire type %d, want a varint", wire)
	}
	v, n := protowire.ConsumeVarint(b)
	if n < 0 {
		return 0, protowire.ParseError(n)
	}
	*into = v
	return n, nil
}

func consumeBytes(b []byte, wire protowire.Type, into *[]byte) (int, error) {
	if wire != protowire.BytesType {
		return 0, fmt.Errorf("wire type %d, want bytes", wire)
	}
	v, n := protowire.ConsumeBytes(b)
	if n < 0 {
		return 0, protowire.ParseError(n)
	}
	*into = append([]byte(nil), v...)
	return n, nil
}

func consumeString(b []byte, wire protowire.Type, into *string) (int, error) {
	var v []byte
	n, err := consumeBytes(b, wire, &v)
	if err != nil {
		return 0, err
	}
	if !utf8.Valid(v) {
		return 0, fmt.Errorf("string is not valid UTF-8")
	}
	*into = string(v)
	return n, nil
}
