package fsm

import (
	"testing"

	"github.com/cockroachdb/datadriven"

	"dtsim/fsm/api"
)

// cancel <task>
func (s *script) handleCancel(t *testing.T, d *datadriven.TestData) error {
	namespace, id, version := s.run(t, d)
	return s.do(&api.CancelDistributedTaskRequest{Namespace: namespace, Id: id, Version: version, CancelledAtUnixMillis: s.millis()})
}
