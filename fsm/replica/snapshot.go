package replica

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/raft"

	"dtsim/fsm"
)

// document is a snapshot. Its JSON form is canonical: equal states have equal bytes.
type document struct {
	AppliedIndex uint64          `json:"applied_index"`
	Tasks        fsm.State       `json:"distributed_tasks"`
	Schema       []*Collection   `json:"schema"`
	Sessions     []sessionRecord `json:"sessions"`
	// Dropped is the last index of the session that was dropped last.
	Dropped uint64 `json:"sessions_dropped,omitempty"`
}

// capture copies the state at one index; what is immutable is shared.
func (r *Replica) capture() document {
	r.mu.Lock()
	defer r.mu.Unlock()
	return document{
		AppliedIndex: r.applied,
		Tasks:        r.manager.Capture(),
		Schema:       r.schema.capture(),
		Sessions:     r.sessions.capture(),
		Dropped:      r.sessions.dropped,
	}
}

func (d document) marshal() ([]byte, error) {
	b, err := d.appendJSON(nil, d.Tasks.AppendJSON)
	if err != nil {
		return nil, fmt.Errorf("marshal snapshot at index %d: %w", d.AppliedIndex, err)
	}
	return b, nil
}

// State returns the whole replicated state in a canonical form, the same bytes on
// every replica that has applied the same index (P1). It is also what a snapshot
// holds.
func (r *Replica) State() ([]byte, error) { return r.capture().marshal() }

// Hash returns the hex SHA-256 of [Replica.State]. Applies wait meanwhile: nothing is
// copied.
func (r *Replica) Hash() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := document{AppliedIndex: r.applied, Schema: r.schema.capture(), Sessions: r.sessions.view(), Dropped: r.sessions.dropped}
	state, err := d.appendJSON(r.scratch[:0], r.manager.AppendState)
	if err != nil {
		return "", fmt.Errorf("marshal state at index %d: %w", d.AppliedIndex, err)
	}
	r.scratch = state
	sum := sha256.Sum256(state)
	return hex.EncodeToString(sum[:]), nil
}

// Snapshot captures the state on the thread that applies, so that it belongs to one
// index; marshalling and writing come later, concurrently with further applies.
func (r *Replica) Snapshot() (raft.FSMSnapshot, error) { return &captured{document: r.capture()}, nil }

// captured is a state that waits to be written.
type captured struct {
	document document
}

// Persist writes the snapshot, or cancels the sink.
func (s *captured) Persist(sink raft.SnapshotSink) error {
	b, err := s.document.marshal()
	if err == nil {
		_, err = sink.Write(b)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("persist snapshot: %w", err), sink.Cancel())
	}
	return sink.Close()
}

// Release has nothing to release.
func (s *captured) Release() {}

// Restore replaces the whole state with that of a snapshot. A snapshot that is cut
// off, has bytes behind its end, or contradicts itself is refused, and the state
// stays as it was. So is one that is older than the state: raft installs whatever a
// leader sends, also a request of the same term that was delayed until the follower
// had applied more, and does not look at what the follower has applied (P1).
// A section that is missing is empty.
func (r *Replica) Restore(source io.ReadCloser) (err error) {
	defer func() { err = errors.Join(err, source.Close()) }()
	b, err := io.ReadAll(source)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	return r.restore(b)
}

func (r *Replica) restore(b []byte) error {
	var d *struct {
		document
		Tasks json.RawMessage `json:"distributed_tasks"`
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return fmt.Errorf("unmarshal snapshot: %w", err)
	}
	if d == nil {
		return errors.New("unmarshal snapshot: it is null")
	}
	if len(d.Tasks) == 0 {
		d.Tasks = json.RawMessage("{}")
	}
	schema, err := restoreSchema(d.Schema)
	if err != nil {
		return fmt.Errorf("restore snapshot: %w", err)
	}
	sessions, err := restoreSessions(r.sessions.limit, d.Dropped, d.Sessions)
	if err != nil {
		return fmt.Errorf("restore snapshot: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.AppliedIndex < r.applied {
		return fmt.Errorf("restore snapshot: it ends at index %d, and index %d is applied", d.AppliedIndex, r.applied)
	}
	if err := r.manager.Restore(d.Tasks); err != nil {
		return fmt.Errorf("restore snapshot: tasks: %w", err)
	}
	r.applied, r.schema, r.sessions = d.AppliedIndex, schema, sessions
	r.restored()
	return nil
}
