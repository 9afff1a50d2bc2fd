// Package counter is a second application of the simulator, for its tests: a number that
// clients add to, replicated as a raft.FSM. It knows nothing of tasks.
//
// With Bug set in the plan's part the application has a defect that only some schedules
// show.
package counter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"dtsim/sim/cluster"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
	"dtsim/sim/trace/event"
)

// Name is the application's name in plans.
const Name = "counter"

// Part is the application's own part of a plan.
type Part struct {
	// Adds are what clients do, sorted by time.
	Adds []Add `json:"adds"`
	// Bug plants a defect; empty for none.
	Bug Bug `json:"bug,omitempty"`
}

// Add is one operation of a client.
type Add struct {
	At   plan.Duration `json:"at"`
	Node string        `json:"node"`
	N    int64         `json:"n"`
}

// Bug is a defect of the application.
type Bug string

// RestoreAdds lets a replica that gets a snapshot add what is in it to what it has.
const RestoreAdds Bug = "restore-adds"

// With returns a plan with a part of this application.
func With(p plan.Plan, part Part) *plan.Plan {
	encoded, err := json.Marshal(part)
	if err != nil {
		panic(err) // no field's type can fail
	}
	p.Application, p.Part = Name, encoded
	return &p
}

// PartOf decodes the part of a plan.
func PartOf(p *plan.Plan) (Part, error) {
	var part Part
	if p.Application != Name {
		return part, fmt.Errorf("the plan is one of application %q, not of %s", p.Application, Name)
	}
	if err := json.Unmarshal(p.Part, &part); err != nil {
		return part, fmt.Errorf("%s: %w", Name, err)
	}
	return part, nil
}

// Application is the counter as an application of the simulator.
type Application struct{}

// Begin implements cluster.Application.
func (Application) Begin(c *cluster.Cluster) (cluster.Instance, error) {
	part, err := PartOf(c.Plan())
	return &run{part}, err
}

type run struct{ part Part }

// Operations implements cluster.Instance.
func (r *run) Operations() []cluster.Operation {
	all := make([]cluster.Operation, len(r.part.Adds))
	for n, add := range r.part.Adds {
		all[n] = cluster.Operation{At: add.At.D(), Node: add.Node, Do: func(ctx context.Context, i *cluster.Incarnation) {
			if i != nil {
				i.Process().(*process).add(ctx, int64(n), add)
			}
		}}
	}
	return all
}

// NewMachine implements cluster.Instance.
func (r *run) NewMachine(func(cluster.Outcome)) cluster.Machine { return &machine{} }

// NewProcess implements cluster.Instance.
func (r *run) NewProcess(i *cluster.Incarnation) (cluster.Process, error) {
	return &process{Incarnation: i, machine: &machine{bug: r.part.Bug}}, nil
}

// process is the counter on one incarnation.
type process struct {
	*cluster.Incarnation
	machine *machine
	raft    *raft.Raft
}

// Machine implements cluster.Process.
func (p *process) Machine() cluster.Machine { return p.machine }

// Start implements cluster.Process.
func (p *process) Start(r *raft.Raft) error {
	p.raft = r
	p.Endpoint().HandleForward(func(_ context.Context, _ string, request []byte) ([]byte, error) {
		return nil, p.apply(request)
	})
	return nil
}

// Stop implements cluster.Process.
func (p *process) Stop() {
	if p.machine.bug == HoldLock && p.Node() == "n3" {
		holdLock()
	}
}

var errUnknown = errors.New("it is not known whether it took effect")

// errNotSent is returned by a call without effect.
var errNotSent = errors.New("it had no effect")

// meaning classifies the errors of calls.
type meaning struct{}

func (meaning) Outcome(err error) (outcome, verdict string) {
	switch {
	case err == nil:
		return event.OK, ""
	case errors.Is(err, errUnknown):
		return event.Ambiguous, ""
	}
	return event.NoEffect, ""
}

func (meaning) NotSent(reason error) error { return fmt.Errorf("%w: %w", reason, errNotSent) }
func (meaning) Unknown(reason error) error { return fmt.Errorf("%w: %w", reason, errUnknown) }

// number is what an add is about, in the trace.
type number struct{ N int64 }

func (n *number) Schema(s *trace.Schema) { s.Int("n", &n.N) }

// callTimeout is how long a client waits.
const callTimeout = 5 * time.Second

// add adds through the leader.
func (p *process) add(ctx context.Context, op int64, add Add) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	defer context.AfterFunc(p.Halt(), cancel)()
	command, _ := json.Marshal(add.N)
	_ = p.Attempt(ctx, op, cluster.Call{
		Do: "add", Details: trace.FieldsOf(&number{add.N}), Errors: meaning{},
		Send: func(ctx context.Context, i *cluster.Incarnation) error {
			return i.Process().(*process).send(ctx, command)
		},
	})
}

// send has a command applied by whichever node leads.
func (p *process) send(ctx context.Context, command []byte) error {
	for {
		_, leader := p.raft.LeaderWithID()
		switch {
		case leader == "":
			select {
			case <-time.After(50 * time.Millisecond):
				continue
			case <-ctx.Done():
				return meaning{}.NotSent(errors.New("there is no leader"))
			}
		case string(leader) == p.Node():
			return p.apply(command)
		}
		if _, err := p.Endpoint().Forward(ctx, string(leader), command); err != nil {
			return meaning{}.Unknown(err)
		}
		return nil
	}
}

// apply applies a command as the leader.
func (p *process) apply(command []byte) error {
	if p.machine.bug == RefuseAll && p.machine.AppliedIndex() > refuseAfter {
		return meaning{}.NotSent(errRefused)
	}
	future := p.raft.Apply(command, time.Second)
	if err := future.Error(); err != nil {
		return meaning{}.Unknown(err)
	}
	return nil
}

// machine is the replicated number. Apply and Restore are raft's to call.
type machine struct {
	bug Bug

	mu    sync.Mutex
	state state
}

// state is what a snapshot holds.
type state struct {
	Applied uint64 `json:"applied"`
	Value   int64  `json:"value"`
}

// Apply implements raft.FSM.
func (m *machine) Apply(entry *raft.Log) any {
	var n int64
	if err := json.Unmarshal(entry.Data, &n); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = state{entry.Index, m.state.Value + n}
	return m.state.Value
}

// Snapshot implements raft.FSM.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, nil
}

// Persist implements raft.FSMSnapshot.
func (s state) Persist(sink raft.SnapshotSink) error {
	b, err := json.Marshal(s)
	if err == nil {
		_, err = sink.Write(b)
	}
	if err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot.
func (state) Release() {}

// Restore implements raft.FSM.
func (m *machine) Restore(source io.ReadCloser) error {
	defer source.Close()
	var s state
	if err := json.NewDecoder(source).Decode(&s); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bug == RestoreAdds {
		s.Value += m.state.Value
	}
	m.state = s
	return nil
}

// AppliedIndex implements cluster.Machine.
func (m *machine) AppliedIndex() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.Applied
}

// Hash implements cluster.Machine. It is readable: a state is small.
func (m *machine) Hash() (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprintf("%016x", uint64(m.state.Value)), nil
}
