package runpage

import (
	"bytes"
	"fmt"
	"html/template"

	"dtsim/models/history"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/trace"
)

// maxFrame is how large a picture of a history may be.
const maxFrame = 2 << 20

// History is what is known of the order of what clients saw.
type History struct {
	// Words say what was found. Frame is a document that shows it, Link a file beside the
	// page that does; either may be empty.
	Words, Frame, Link string
}

// Source is the frame for its attribute.
func (h *History) Source() template.HTMLAttr {
	return template.HTMLAttr(`srcdoc="` + template.HTMLEscapeString(h.Frame) + `"`)
}

// Seen tells what clients saw in a run that violates P2, by the picture that porcupine
// makes of the first task that has no order; nil where there is none to be seen.
func Seen(t *trace.Trace) (*History, error) {
	violated := false
	for _, v := range t.Footer.Verdict.Violations {
		violated = violated || v.Property == "P2"
	}
	if !violated {
		return nil, nil
	}
	c := history.NewCollector()
	for i := range t.Events {
		c.Observe(t.Events[i])
	}
	h, err := c.History()
	if err != nil {
		return nil, fmt.Errorf("runpage: %w", err)
	}
	set := provider.NewSet(provider.Env{})
	var b bytes.Buffer
	words, err := history.Picture(&b, h, refinement.Rules(set.ConflictDetectors(), set.SchemaMutationDetectors(), set.Extractors()))
	if err != nil {
		return nil, fmt.Errorf("runpage: %w", err)
	}
	switch {
	case words == "":
		return &History{Words: "P2 is violated by the order of the log; for what clients saw alone there is an order, so there is nothing to picture."}, nil
	case b.Len() > maxFrame:
		return &History{Words: words + fmt.Sprintf(" It is left out: it has %.1f MB.", float64(b.Len())/1e6)}, nil
	}
	return &History{Words: words, Frame: b.String()}, nil
}
