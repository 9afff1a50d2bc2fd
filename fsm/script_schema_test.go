package fsm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// update <collection>.<property>: may a user update it?
func (s *script) handleUpdate(t *testing.T, d *datadriven.TestData) error {
	collection, property, _ := strings.Cut(word(t, d, 0), ".")
	return s.CheckPropertyUpdate(collection, property)
}

// flip <task> <collection>.<property>: may the task update it?
func (s *script) handleFlip(t *testing.T, d *datadriven.TestData) error {
	namespace, id, version := s.run(t, d)
	collection, property, _ := strings.Cut(word(t, d, 1), ".")
	return s.CheckOwnPropertyUpdate(namespace, id, version, collection, property)
}

// drop-check <collection>: may it be dropped?
func (s *script) handleDropCheck(t *testing.T, d *datadriven.TestData) error {
	return s.CheckClassMutation(word(t, d, 0))
}

// drop <collection>: its tasks go with it.
func (s *script) handleDrop(t *testing.T, d *datadriven.TestData) error {
	return played(fmt.Sprintf("removed %v", s.DeleteTasksForCollection(word(t, d, 0))))
}
