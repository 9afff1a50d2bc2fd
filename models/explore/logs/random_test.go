package logs

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm/replica"
)

func TestRandomLogsAreTakenAsTheSpecificationSays(t *testing.T) {
	many := uint64(300)
	if os.Getenv("DTSIM_LONG") != "" {
		many = 4_000
	}
	for number := range many {
		if f := Random(1, number); f != nil {
			t.Fatal(f)
		}
	}
}

// TestWhatAFindingDoesNotTakeIsLeftOut: of a log with a planted contradiction that is left.
func TestWhatAFindingDoesNotTakeIsLeftOut(t *testing.T) {
	f := &Finding{}
	f.Property = "P2"
	r := &random{letters: alphabet()}
	books := New(1).begins[1].commands[0]
	wrong := bad(replica.CommandDropCollection, "Books", "{}")
	f = r.shrink([]step{{other: capture}, {command: books}, {other: spoil}, {command: wrong}, {other: write}}, f)
	require.Equal(t, []string{wrong.String()}, f.Log)
	require.Contains(t, f.Error(), wrong.String())
}
