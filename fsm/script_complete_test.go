package fsm

import (
	"testing"

	"github.com/cockroachdb/datadriven"

	"dtsim/fsm/api"
)

// complete <task> <unit> by=<node>
// fail <task> <unit> by=<node> error=(text)
func (s *script) handleComplete(t *testing.T, d *datadriven.TestData) error {
	namespace, id, version := s.run(t, d)
	return s.do(&api.RecordDistributedTaskUnitCompletionRequest{
		Namespace: namespace, Id: id, Version: version, UnitId: word(t, d, 1), NodeId: value(t, d, "by"),
		Error: value(t, d, "error"), FinishedAtUnixMillis: s.millis(),
	})
}
