package tasks

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"dtsim/fsm/api"
	"dtsim/scenarios/tasks/provider"
	"dtsim/scenarios/tasks/taskplan"
)

// submitFlawed submits a task with what is wrong with it: as a command of its own
// making, for the client's methods cannot express most flaws.
func (p *process) submitFlawed(ctx context.Context, c Client, t *taskplan.Task, units []taskplan.Unit) error {
	payload, err := flawedPayload(t, units)
	if err != nil {
		return err
	}
	q := api.AddDistributedTaskRequest{
		Namespace: string(t.Kind), Id: t.ID, Payload: payload, SubmittedAtUnixMillis: p.Clock().Now().UnixMilli(),
		NeedsPreparationBarrier: t.Barrier, AcksRequired: true,
	}
	for _, u := range units {
		q.UnitSpecs = append(q.UnitSpecs, &api.UnitSpec{Id: u.ID, GroupId: u.Group})
	}
	switch t.Flaw {
	case taskplan.NoNamespace:
		q.Namespace = ""
	case taskplan.NoID:
		q.Id = ""
	case taskplan.NoUnits:
		q.UnitSpecs = nil
	case taskplan.UnitTwice:
		// Of a task all of whose units were deleted with their tenants there is none to name.
		q.UnitSpecs = append(q.UnitSpecs, q.UnitSpecs[:min(1, len(q.UnitSpecs))]...)
	case taskplan.UnitWithoutID:
		q.UnitSpecs = append(q.UnitSpecs, &api.UnitSpec{})
	case taskplan.NullUnit:
		q.UnitSpecs = append(q.UnitSpecs, nil)
	}
	command, err := api.NewApplyRequest(api.CommandAddTask, q)
	if err != nil {
		return err
	}
	_, err = c.Execute(ctx, *command)
	return err
}

// flawedPayload is the payload of a task with what is wrong with it.
func flawedPayload(t *taskplan.Task, units []taskplan.Unit) ([]byte, error) {
	sound := *t
	sound.Flaw = ""
	switch t.Flaw {
	case taskplan.UnknownCollection:
		sound.Collection = taskplan.Unknown
	case taskplan.UnknownProperty:
		sound.Property = taskplan.Unknown
	}
	payload, err := json.Marshal(provider.NewPayload(sound, units))
	if err != nil {
		return nil, err
	}
	switch t.Flaw {
	case taskplan.PayloadGarbage:
		return []byte("\xff\xfe\x00garbage\x80"), nil
	case taskplan.PayloadCutOff:
		return payload[:len(payload)/2], nil
	case taskplan.PayloadEmpty:
		return nil, nil
	case taskplan.PayloadNull:
		return []byte("null"), nil
	case taskplan.PayloadTypes:
		return []byte(`{"kind":7,"id":{},"collection":["` + sound.Collection + `"],"parallel":"many","places":"everywhere"}`), nil
	case taskplan.PayloadHuge:
		return append(bytes.TrimSuffix(payload, []byte("}")), `,"ballast":"`+strings.Repeat("x", taskplan.HugePayload)+`"}`...), nil
	}
	return payload, nil
}
