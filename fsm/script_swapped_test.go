package fsm

import (
	"testing"

	"github.com/cockroachdb/datadriven"

	"dtsim/fsm/api"
)

// swapped <task> by=<node> [error=(text)]
func (s *script) handleSwapped(t *testing.T, d *datadriven.TestData) error {
	namespace, id, version := s.run(t, d)
	return s.do(&api.RecordDistributedTaskPostCompletionAckRequest{
		Namespace: namespace, Id: id, Version: version, NodeId: value(t, d, "by"),
		Success: !d.HasArg("error"), Error: value(t, d, "error"), AckedAtUnixMillis: s.millis(),
	})
}
