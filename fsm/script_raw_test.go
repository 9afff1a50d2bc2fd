package fsm

import (
	"strconv"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
)

// raw <command number>: the line's input is the sub-command.
func (s *script) handleRaw(t *testing.T, d *datadriven.TestData) error {
	number, err := strconv.ParseInt(word(t, d, 0), 10, 32)
	require.NoError(t, err, d.Pos)
	return s.apply(&api.ApplyRequest{Type: api.CommandType(number), SubCommand: []byte(d.Input)})
}
