package fsm

import (
	"testing"

	"github.com/cockroachdb/datadriven"
)

// restore: the line's input is the snapshot; without one, the Manager's own.
func (s *script) handleRestore(_ *testing.T, d *datadriven.TestData) error {
	snapshot := d.Input
	if snapshot == "" {
		snapshot = s.snapshot()
	}
	return s.Restore([]byte(snapshot))
}
