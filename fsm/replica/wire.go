package replica

import (
	"fmt"
	"strings"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"dtsim/fsm"
)

// requestKind is what is requested of the leader.
type requestKind uint64

const (
	kindPropose   requestKind = 1
	kindReadIndex requestKind = 2
)

// forwardRequest is the request of a node to the leader. On the wire it is a protobuf
// message.
type forwardRequest struct {
	kind    requestKind // field 1
	command []byte      // field 2: an encoded api.ApplyRequest
}

func (q forwardRequest) encode() []byte {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(q.kind))
	if len(q.command) > 0 {
		b = protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), q.command)
	}
	return b
}

func decodeRequest(b []byte) (forwardRequest, error) {
	var q forwardRequest
	err := eachField(b, func(f field) {
		switch {
		case f.is(1, protowire.VarintType):
			q.kind = requestKind(f.number)
		case f.is(2, protowire.BytesType):
			q.command = f.bytes
		}
	})
	switch {
	case err != nil:
		return forwardRequest{}, fmt.Errorf("decode forwarded request: %w", err)
	case q.kind != kindPropose && q.kind != kindReadIndex:
		return forwardRequest{}, fmt.Errorf("decode forwarded request: unknown kind %d", q.kind)
	}
	return q, nil
}

// classified is the format of a response whose code is the kind of failure. Leaders of
// older versions leave the format out, and everything that is not a permanent rejection is
// Internal to them.
const classified = 1

// forwardResponse is what the leader answers: the outcome of a command or a read
// index, or why there is none, as the code Unavailable (nothing was committed) or
// Unknown. On the wire it is a protobuf message, with code and message as a
// google.rpc.Status.
type forwardResponse struct {
	outcome
	format uint64
}

// encode writes fields 1 (index), 2 (status, unless OK) and 3 (format).
func (p forwardResponse) encode() ([]byte, error) {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), p.Index)
	if p.Code != codes.OK {
		s, err := proto.MarshalOptions{Deterministic: true}.Marshal(status.New(p.Code, p.Message).Proto())
		if err != nil {
			return nil, fmt.Errorf("encode forwarded response: %w", err)
		}
		b = protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), s)
	}
	return protowire.AppendVarint(protowire.AppendTag(b, 3, protowire.VarintType), p.format), nil
}

func decodeResponse(b []byte) (forwardResponse, error) {
	var p forwardResponse
	var encoded []byte
	indexed := false
	err := eachField(b, func(f field) {
		switch {
		case f.is(1, protowire.VarintType):
			p.Index, indexed = f.number, true
		case f.is(2, protowire.BytesType):
			encoded = f.bytes
		case f.is(3, protowire.VarintType):
			p.format = f.number
		}
	})
	if err != nil {
		return forwardResponse{}, fmt.Errorf("decode forwarded response: %w", err)
	}
	if !indexed {
		return forwardResponse{}, fmt.Errorf("decode forwarded response: it has no index")
	}
	if encoded == nil {
		return p, nil
	}
	var s spb.Status
	if err := proto.Unmarshal(encoded, &s); err != nil {
		return forwardResponse{}, fmt.Errorf("decode forwarded response: status: %w", err)
	}
	p.Code, p.Message = codes.Code(uint32(s.GetCode())), s.GetMessage()
	return p, nil
}

// legacyPhrases are what leaders of older versions put into permanent rejections; the only
// way to recognise theirs.
var legacyPhrases = []struct {
	phrase   string
	sentinel error
}{
	{"is no longer running", fsm.ErrTaskNotRunning},
	{"does not exist", fsm.ErrTaskDoesNotExist},
	{"is already terminal", fsm.ErrUnitAlreadyTerminal},
	{"belongs to node", fsm.ErrUnitWrongNode},
}

// legacyRejection turns the answer of a leader that does not classify into the
// permanent rejection that its text means, if any.
func (p forwardResponse) legacyRejection() (outcome, bool) {
	if p.format >= classified || p.Code == codes.OK || p.Code == fsm.PermanentRejectionRPCCode {
		return outcome{}, false
	}
	for _, legacy := range legacyPhrases {
		if strings.Contains(p.Message, legacy.phrase) {
			return newOutcome(p.Index, fmt.Errorf("%s: %w: %w", p.Message, legacy.sentinel, fsm.ErrPermanentRejection)), true
		}
	}
	return outcome{}, false
}

// field is one field of a protobuf message.
type field struct {
	num    protowire.Number
	wire   protowire.Type
	number uint64 // of a varint
	bytes  []byte // of a bytes field; shares memory with the message
}

func (f field) is(num protowire.Number, wire protowire.Type) bool {
	return f.num == num && f.wire == wire
}

// eachField calls visit for every field of a message; unknown ones are the
// visitor's to skip.
func eachField(b []byte, visit func(field)) error {
	for offset := 0; offset < len(b); {
		num, wire, n := protowire.ConsumeTag(b[offset:])
		if n < 0 {
			return fmt.Errorf("tag at byte %d: %w", offset, protowire.ParseError(n))
		}
		offset += n
		f := field{num: num, wire: wire}
		switch wire {
		case protowire.VarintType:
			f.number, n = protowire.ConsumeVarint(b[offset:])
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b[offset:])
		default:
			n = protowire.ConsumeFieldValue(num, wire, b[offset:])
		}
		if n < 0 {
			return fmt.Errorf("field %d at byte %d: %w", num, offset, protowire.ParseError(n))
		}
		offset += n
		visit(f)
	}
	return nil
}
