package fsm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// rules <namespace>: payloads there are <collection>.<property>, of which at most
// one task may be active, and which no schema change may touch meanwhile.
func (s *script) handleRules(t *testing.T, d *datadriven.TestData) error {
	namespace := word(t, d, 0)
	s.SetConflictDetectors(map[string]ConflictDetector{namespace: migrations{}})
	s.SetSchemaMutationDetectors(map[string]SchemaMutationDetector{namespace: migrations{}})
	s.RegisterCollectionExtractor(namespace, func(payload []byte) (string, bool) {
		collection, _, ok := strings.Cut(string(payload), ".")
		return collection, ok
	})
	return nil
}

// migrations guards payloads of the form <collection>.<property>.
type migrations struct{ Provider }

func (migrations) CheckConflict(payload []byte, tasks []*Task) error {
	return untouched(tasks, func(p string) bool { return strings.EqualFold(p, string(payload)) })
}

func (migrations) CheckPropertyUpdate(class, property string, tasks []*Task) error {
	return untouched(tasks, func(p string) bool { return strings.EqualFold(p, class+"."+property) })
}

func (migrations) CheckClassMutation(class string, tasks []*Task) error {
	return untouched(tasks, func(p string) bool {
		collection, _, _ := strings.Cut(p, ".")
		return strings.EqualFold(collection, class)
	})
}

func (m migrations) CheckTenantMutation(class string, _ []string, tasks []*Task) error {
	return m.CheckClassMutation(class, tasks)
}

func untouched(tasks []*Task, touches func(payload string) bool) error {
	for _, task := range tasks {
		if task.Status.IsActive() && touches(string(task.Payload)) {
			return fmt.Errorf("%s is at work on %s", task.ID, task.Payload)
		}
	}
	return nil
}
