package fsm

import (
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"dtsim/fsm/api"
)

// add <task> units=(u1, u2) | specs=(group:u1, ...) [barrier] [acks] [payload=...]
func (s *script) handleAdd(t *testing.T, d *datadriven.TestData) error {
	namespace, id, _ := s.run(t, d)
	q := &api.AddDistributedTaskRequest{
		Namespace: namespace, Id: id, Payload: []byte(value(t, d, "payload")), SubmittedAtUnixMillis: s.millis(),
		NeedsPreparationBarrier: d.HasArg("barrier"), AcksRequired: d.HasArg("acks"),
	}
	if units, ok := d.Arg("units"); ok {
		q.UnitIds = units.Vals
	}
	if specs, ok := d.Arg("specs"); ok {
		for _, spec := range specs.Vals {
			group, unit, _ := strings.Cut(spec, ":")
			q.UnitSpecs = append(q.UnitSpecs, &api.UnitSpec{Id: unit, GroupId: group})
		}
	}
	return s.do(q)
}
