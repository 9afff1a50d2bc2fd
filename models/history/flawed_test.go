package history

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/models/spec"
)

// What is bad in itself is refused for ever, also when a collection that may come is
// missing, and both judges know.
func TestWhatIsBadInItselfIsRefusedForEver(t *testing.T) {
	rules := &spec.Rules{
		Guards: map[string]spec.Guard{"n": {Payload: func(payload []byte) error {
			if len(payload) == 0 {
				return errors.New("unreadable")
			}
			return nil
		}}},
		Collections: map[string]func([]byte) (string, bool){"n": func(p []byte) (string, bool) { return string(p), len(p) > 0 }},
	}
	const forEver = "permanent invalid-command"
	for name, tc := range map[string]struct {
		payload, units         string
		verdict                string
		commitOrder, porcupine Verdict
	}{
		"an unreadable payload":                        {"", `["u"]`, forEver, Legal, Legal},
		"it is accepted":                               {"", `["u"]`, "ok", Illegal, Illegal},
		"it may be tried again":                        {"", `["u"]`, "retryable", Illegal, Legal},
		"no collection, and no units":                  {"Q09M", `[]`, forEver, Legal, Legal},
		"no units, and it may be tried again":          {"Q09M", `[]`, "retryable", Illegal, Legal},
		"no collection":                                {"Q09M", `["u"]`, "retryable", Legal, Legal},
		"no collection, and it is never to come again": {"Q09M", `["u"]`, forEver, Illegal, Illegal},
	} {
		t.Run(name, func(t *testing.T) {
			args, err := json.Marshal(map[string]any{"namespace": "n", "id": "a", "payload": tc.payload, "unit_ids": json.RawMessage(tc.units)})
			require.NoError(t, err)
			o := Op{Client: "c", Kind: Add, Args: args, Call: 1, Return: 2, Outcome: Rejected, Index: 1, Verdict: tc.verdict}
			if tc.verdict == "ok" {
				o.Outcome = OK
			}
			r, err := Judge(&History{Ops: []Op{o}}, rules)
			require.NoError(t, err)
			require.Equal(t, tc.commitOrder, r.CommitOrder, r.Findings)
			require.Equal(t, tc.porcupine, r.Porcupine)
			require.True(t, r.Agree())
		})
	}
}
