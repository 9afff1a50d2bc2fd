package trace

import (
	"encoding/json"
	"fmt"
)

// ListedTask is what a list of tasks shows of one of them: enough to tell which state
// of the log the list is of.
type ListedTask struct {
	Namespace string `json:"ns"`
	ID        string `json:"id"`
	Version   uint64 `json:"v"`
	Status    string `json:"status"`
	// Claimed and Terminal count units.
	Claimed  int `json:"claimed,omitempty"`
	Terminal int `json:"terminal,omitempty"`
	// Prepared and Swapped hold the nodes that have acknowledged, and with which
	// outcome.
	Prepared map[string]bool `json:"prepared,omitempty"`
	Swapped  map[string]bool `json:"swapped,omitempty"`
	// Digest is that of the whole task, in hexadecimal; see models/spec.
	Digest string `json:"digest,omitempty"`
}

// ListContents makes the field of a [Listed] event that holds what the list shows:
// equal lists have equal fields.
func ListContents(tasks []ListedTask) Field {
	if tasks == nil {
		tasks = []ListedTask{}
	}
	b, err := json.Marshal(tasks)
	if err != nil {
		panic(fmt.Sprintf("trace: a list cannot be encoded: %v", err)) // no field's type can fail
	}
	return Str("contents", string(b))
}

// ListedTasks reads what a [Listed] event shows, in the order of the list.
func (e *Event) ListedTasks() ([]ListedTask, error) {
	var tasks []ListedTask
	if err := json.Unmarshal([]byte(e.Str("contents")), &tasks); err != nil {
		return nil, fmt.Errorf("contents of a list at %s on %s: %w", e.At, e.Node, err)
	}
	return tasks, nil
}
