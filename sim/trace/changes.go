package trace

import (
	"encoding/json"
	"fmt"
)

// Change is a part of a model's state that a step has changed.
type Change struct {
	Part string `json:"part"`
	Was  string `json:"was"`
	Is   string `json:"is"`
}

// StateChanges makes the field of a [ModelStep] event that says what it has changed.
func StateChanges(changes []Change) Field {
	if changes == nil {
		changes = []Change{}
	}
	b, err := json.Marshal(changes)
	if err != nil {
		panic(fmt.Sprintf("trace: changes cannot be encoded: %v", err)) // no field's type can fail
	}
	return Str("changes", string(b))
}

// Changes reads what a [ModelStep] event has changed.
func (e *Event) Changes() ([]Change, error) {
	var changes []Change
	if err := json.Unmarshal([]byte(e.Str("changes")), &changes); err != nil {
		return nil, fmt.Errorf("changes of a step at %s: %w", e.At, err)
	}
	return changes, nil
}
