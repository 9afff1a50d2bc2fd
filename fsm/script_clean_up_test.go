package fsm

import (
	"strconv"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"dtsim/fsm/api"
)

// clean-up <task> [ttl=<seconds>]: without one the proposer has checked it.
func (s *script) handleCleanUp(t *testing.T, d *datadriven.TestData) error {
	namespace, id, version := s.run(t, d)
	q := &api.CleanUpDistributedTaskRequest{Namespace: namespace, Id: id, Version: version}
	if d.HasArg("ttl") {
		seconds, err := strconv.ParseInt(value(t, d, "ttl"), 10, 64)
		require.NoError(t, err, d.Pos)
		q.CleanedUpAtUnixMillis, q.CompletedTaskTtlMillis = s.millis(), seconds*1000
	}
	return s.do(q)
}
