package fsm

import (
	"strconv"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
)

// claim <task> <unit> by=<node>
// progress <task> <unit> by=<node> to=<progress>
func (s *script) handleProgress(t *testing.T, d *datadriven.TestData) error {
	namespace, id, version := s.run(t, d)
	q := &api.UpdateDistributedTaskUnitProgressRequest{
		Namespace: namespace, Id: id, Version: version, UnitId: word(t, d, 1), NodeId: value(t, d, "by"), UpdatedAtUnixMillis: s.millis(),
	}
	if d.Cmd == "progress" {
		to, err := strconv.ParseFloat(value(t, d, "to"), 32)
		require.NoError(t, err, d.Pos)
		q.Progress = float32(to)
	}
	return s.do(q)
}
