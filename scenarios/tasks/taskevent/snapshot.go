package taskevent

import (
	"encoding/json"
	"maps"
	"slices"

	"dtsim/sim/trace/event"
)

// Snapshot is what an inherited snapshot has of tasks and of the schema.
type Snapshot struct {
	// Raw is the part about tasks as it is in the snapshot.
	Raw json.RawMessage
	// Records are those of tasks, by namespace.
	Records []Record
	// Collections are those of the schema.
	Collections []Collection
}

// Record is the record of a task in a snapshot, as far as a trace is about it.
type Record struct {
	Namespace string              `json:"namespace"`
	ID        string              `json:"ID"`
	Version   uint64              `json:"version"`
	Payload   []byte              `json:"payload"`
	Barrier   bool                `json:"needsPreparationBarrier"`
	Status    TaskStatus          `json:"status"`
	Units     map[string]*Unit    `json:"units"`
	Prepared  map[string]*NodeAck `json:"preparationCompletionAcks"`
	Swapped   map[string]*NodeAck `json:"postCompletionAcks"`
}

// Run returns the run that the record is of.
func (r *Record) Run() Run { return Run{r.Namespace, r.ID, r.Version} }

// Unit is a unit in a snapshot.
type Unit struct {
	Group    string     `json:"groupId"`
	Node     string     `json:"nodeId"`
	Status   UnitStatus `json:"status"`
	Progress float32    `json:"progress"`
}

// NodeAck is what a node has acknowledged, in a snapshot.
type NodeAck struct {
	Success bool   `json:"success"`
	Error   string `json:"error"`
}

// Collection is a collection in a snapshot.
type Collection struct {
	Name       string                    `json:"name"`
	Version    uint64                    `json:"version"`
	Properties map[string]Property       `json:"properties"`
	Shards     map[string]CollectionPart `json:"shards"`
}

// Property is a property of a collection in a snapshot.
type Property struct {
	Tokenization string `json:"tokenization"`
	// FlippedBy is the version of the newest run that has set it, UpdatedAt the index at
	// which a user last did.
	FlippedBy uint64 `json:"flippedBy"`
	UpdatedAt uint64 `json:"updatedAt"`
}

// CollectionPart is a shard of a collection in a snapshot.
type CollectionPart struct {
	Nodes []string `json:"nodes"`
	// Swapped are the properties of which the shard has swapped alone.
	Swapped map[string]Swap `json:"swapped"`
}

// Swap is what a tenant that has swapped alone serves of a property, and the version of the
// run that has made it.
type Swap struct {
	Tokenization string `json:"tokenization"`
	By           uint64 `json:"by"`
}

// ReadSnapshot reads an inherited snapshot. With an error it returns what could be read.
func ReadSnapshot(e *event.Inherited) (*Snapshot, error) {
	var document struct {
		Tasks  json.RawMessage `json:"distributed_tasks"`
		Schema []*Collection   `json:"schema"`
	}
	var state struct {
		Tasks map[string][]*Record `json:"tasks"`
	}
	err := json.Unmarshal([]byte(e.Snapshot), &document)
	if err == nil {
		err = json.Unmarshal(document.Tasks, &state)
	}
	s := &Snapshot{Raw: document.Tasks}
	for _, c := range document.Schema {
		if c != nil {
			s.Collections = append(s.Collections, *c)
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(state.Tasks)) {
		for _, r := range state.Tasks[namespace] {
			if r != nil {
				s.Records = append(s.Records, *r)
			}
		}
	}
	return s, err
}
