package trace

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"dtsim/sim/plan"
)

// headerLine is the header as it stands in the file.
type headerLine struct {
	Format  int             `json:"format"`
	Engine  string          `json:"engine"`
	Entropy uint64          `json:"entropy"`
	Build   string          `json:"build"`
	Profile string          `json:"profile,omitempty"`
	Plan    json.RawMessage `json:"plan"`
}

// footerLine is the footer as it stands in the file; times are in ns. The seal
// covers the line itself up to the seal, as the hash covers all before the line.
type footerLine struct {
	Verdict  verdictLine      `json:"verdict"`
	Hash     string           `json:"hash"`
	Events   int              `json:"events"`
	Virtual  int64            `json:"virtual_time"`
	Counters map[string]int64 `json:"counters"`
	Seal     string           `json:"seal,omitempty"`
}

type verdictLine struct {
	Passed     bool            `json:"passed"`
	Violations []violationLine `json:"violations"`
}

type violationLine struct {
	Property string `json:"property"`
	Message  string `json:"message"`
	At       int64  `json:"at"`
	Node     string `json:"node,omitempty"`
	Events   []int  `json:"events,omitempty"`
}

// encodeHeader returns the header's line. It refuses a plan that could not be read
// again.
func encodeHeader(h Header) ([]byte, error) {
	if err := h.Plan.Validate(); err != nil {
		return nil, err
	}
	p, err := json.Marshal(&h.Plan)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(headerLine{Format: Format, Engine: h.Engine, Entropy: h.Entropy, Build: h.Build, Profile: h.Profile, Plan: p})
	return append(b, '\n'), err
}

// decodeHeader reads the header's line; former is true if its plan has another format than
// today's.
func decodeHeader(line []byte) (h Header, former bool, err error) {
	var any struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(line, &any); err != nil || any.Format == nil {
		return Header{}, false, fmt.Errorf("this is not the header of a trace")
	}
	if *any.Format != Format {
		return Header{}, false, fmt.Errorf("format %d is unknown; this build reads format %d", *any.Format, Format)
	}
	var l headerLine
	if err := strictUnmarshal(line, &l); err != nil {
		return Header{}, false, err
	}
	p, err := plan.Decode(l.Plan)
	if err != nil {
		return Header{}, false, err
	}
	var of struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(l.Plan, &of); err != nil {
		return Header{}, false, err
	}
	return Header{Format: l.Format, Plan: *p, Engine: l.Engine, Entropy: l.Entropy, Build: l.Build, Profile: l.Profile}, of.Format != plan.Format, nil
}

// encodeFooter returns the footer's line.
func encodeFooter(f Footer) ([]byte, error) {
	l := footerLine{
		Verdict: verdictLine{Passed: f.Verdict.Passed, Violations: []violationLine{}},
		Hash:    f.Hash, Events: f.Events, Virtual: int64(f.VirtualTime), Counters: f.Counters,
	}
	for _, v := range f.Verdict.Violations {
		l.Verdict.Violations = append(l.Verdict.Violations,
			violationLine{Property: v.Property, Message: v.Message, At: int64(v.At), Node: v.Node, Events: v.Events})
	}
	open, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(open)
	l.Seal = hex.EncodeToString(sum[:])
	b, err := json.Marshal(l)
	return append(b, '\n'), err
}

func decodeFooter(line []byte) (Footer, error) {
	var l footerLine
	if err := strictUnmarshal(line, &l); err != nil {
		return Footer{}, err
	}
	f := Footer{
		Verdict: Verdict{Passed: l.Verdict.Passed},
		Hash:    l.Hash, Events: l.Events, VirtualTime: time.Duration(l.Virtual), Counters: l.Counters,
	}
	for _, v := range l.Verdict.Violations {
		f.Verdict.Violations = append(f.Verdict.Violations,
			Violation{Property: v.Property, Message: v.Message, At: time.Duration(v.At), Node: v.Node, Events: v.Events})
	}
	return f, nil
}

// appendEvent appends the event's line to b, without reflection.
func appendEvent(b []byte, e *Event) []byte {
	b = append(b, eventPrefix...)
	b = strconv.AppendInt(b, int64(e.At), 10)
	if e.Node != "" {
		b = append(b, `,"node":`...)
		b = appendString(b, e.Node)
	}
	if e.Incarnation != 0 {
		b = append(b, `,"inc":`...)
		b = strconv.AppendInt(b, int64(e.Incarnation), 10)
	}
	b = append(b, `,"kind":`...)
	b = appendString(b, string(e.Kind))
	for i := range e.Fields {
		f := &e.Fields[i]
		if i == 0 {
			b = append(b, fieldsPrefix...)
		} else {
			b = append(b, ',')
		}
		b = appendString(b, f.Key)
		b = append(b, ':')
		switch f.kind {
		case intField:
			b = strconv.AppendInt(b, int64(f.num), 10)
		case uintField:
			b = strconv.AppendUint(b, f.num, 10)
		case boolField:
			b = strconv.AppendBool(b, f.num != 0)
		default:
			b = appendString(b, f.str)
		}
	}
	if len(e.Fields) > 0 {
		b = append(b, '}')
	}
	return append(b, '}', '\n')
}

// The beginnings of lines, by which they are distinguished.
const (
	eventPrefix  = `{"at":`
	footerPrefix = `{"verdict":`
)

// fieldsPrefix stands before the fields of an event; no string has it inside.
const fieldsPrefix = `,"fields":{`

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[start:i]...)
			b = append(b, "\uFFFD"...)
			i++
			start = i
			continue
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
