package html

import (
	"bytes"
	"fmt"
	"html/template"

	"dtsim/models/history"
	"dtsim/models/spec/refinement"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sim/trace"
)

// maxHistorySize is the maximum size of a picture of a history.
const maxHistorySize = 2 << 20

// clientHistory is the picture of a history that is not linearizable.
type clientHistory struct {
	// Words describe the result. Frame is a document that shows it; it may be empty.
	Words, Frame string
}

// Source is the frame for its attribute.
func (h *clientHistory) Source() template.HTMLAttr {
	return template.HTMLAttr(`srcdoc="` + template.HTMLEscapeString(h.Frame) + `"`)
}

// historyOf returns the picture by porcupine of the first task whose client history is not
// linearizable, in a run that violates P2; nil for other runs.
func historyOf(t *trace.Trace) (*clientHistory, error) {
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
		return nil, fmt.Errorf("html: %w", err)
	}
	set := provider.NewSet(provider.Env{})
	var b bytes.Buffer
	words, err := history.Picture(&b, h, refinement.Rules(set.ConflictDetectors(), set.SchemaMutationDetectors(), set.Extractors()))
	if err != nil {
		return nil, fmt.Errorf("html: %w", err)
	}
	switch {
	case words == "":
		return &clientHistory{Words: "P2 is violated by the order of the log; the client history alone is linearizable, so there is nothing to picture."}, nil
	case b.Len() > maxHistorySize:
		return &clientHistory{Words: words + fmt.Sprintf(" It is left out: it has %.1f MB.", float64(b.Len())/1e6)}, nil
	}
	return &clientHistory{Words: words, Frame: b.String()}, nil
}
