package fsm

import (
	"testing"

	"github.com/cockroachdb/datadriven"

	"dtsim/fsm/api"
)

// finalize <task>
func (s *script) handleFinalize(t *testing.T, d *datadriven.TestData) error {
	namespace, id, version := s.run(t, d)
	return s.do(&api.MarkTaskFinalizedRequest{Namespace: namespace, Id: id, Version: version, FinalizedAtUnixMillis: s.millis()})
}
