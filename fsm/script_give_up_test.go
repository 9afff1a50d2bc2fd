package fsm

import (
	"testing"

	"github.com/cockroachdb/datadriven"

	"dtsim/fsm/api"
)

// give-up <task> [error=(text)]
func (s *script) handleGiveUp(t *testing.T, d *datadriven.TestData) error {
	namespace, id, version := s.run(t, d)
	return s.do(&api.MarkTaskFailedRequest{
		Namespace: namespace, Id: id, Version: version, Error: value(t, d, "error"), FailedAtUnixMillis: s.millis(),
	})
}
