package tasks

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"

	"dtsim/models/explore"
	"dtsim/sched/reconcile"
)

// State is one state of the whole cluster: the ids of its components.
type State struct {
	tasks [MaxTasks]keyState
	// flight is the commands without a caller.
	flight uint32
	// left has a bit for each node that is gone for good.
	left   uint32
	budget budget
}

// keyState is what is the case with one task id.
type keyState struct {
	record uint32
	parts  [MaxNodes]uint32
}

// ghost is a command in flight without a caller.
type ghost struct {
	id   uint32
	hash uint64
	command
}

// flight is a set of ghosts, sorted by their hashes.
type flight struct {
	id     uint32
	hash   uint64
	ghosts []*ghost
}

// Model is the machine of one configuration. It is safe for concurrent use.
type Model struct {
	*world
	*tables
	renaming []renaming
	initial  State
	audits   *audits
	// kept is how many bytes the tables take.
	kept atomic.Uint64
	// restored and withBystanders are the same world without what the search remembers, and with
	// other tasks in every Manager: for audits.
	restored, withBystanders *world
}

// tables are what the ids of states mean, and what is remembered of them.
type tables struct {
	records *pool[record]
	parts   *pool[part]
	ghosts  *pool[ghost]
	flights *pool[flight]
	entries *memo[*entry]
	rests   *memo[uint32]
	effects *memo[effect]
	renamed *memo[name]
	adds    additions
}

// newTables returns empty tables. What a value takes besides its content was measured,
// and depends on the units a record has.
func (m *Model) newTables() *tables {
	kept := &m.kept
	kept.Store(0)
	return &tables{
		records: newPool[record](kept, 600+200*uint64(m.Units)), parts: newPool[part](kept, 500),
		ghosts: newPool[ghost](kept, 150), flights: newPool[flight](kept, 150),
		entries: newMemo[*entry](kept, 300, 20), rests: newMemo[uint32](kept, 32, 18),
		effects: newMemo[effect](kept, 48, 16), renamed: newMemo[name](kept, 40, 18),
	}
}

// enough is how many bytes the tables may take before a walk has them emptied.
const enough = 1 << 29

// Retained implements explore.Retaining.
func (m *Model) Retained() uint64 { return m.kept.Load() }

// Reset implements explore.Resetter: it empties the tables when they have grown large.
func (m *Model) Reset() {
	if m.kept.Load() > enough {
		m.empty()
	}
}

func (m *Model) empty() {
	m.tables, m.spares = m.newTables(), &spares{}
	m.initial = m.begin()
}

var _ interface {
	explore.Symmetric[State]
	explore.Reducible[State]
	explore.Live[State]
	explore.Concurrent[State]
	explore.Kinded[State]
	explore.StateFormatter[State]
	explore.PathChecker[State]
	explore.LivenessNamer
	explore.Retaining
	explore.Resetter
} = (*Model)(nil)

// New returns the model of a configuration.
func New(c Config) (*Model, error) {
	w, err := newWorld(c)
	if err != nil {
		return nil, err
	}
	m := &Model{world: w, audits: &audits{every: 1 << 12}}
	restored, withBystanders := *w, *w
	withBystanders.bystanders = w.makeBystanders()
	m.restored, m.withBystanders = &restored, &withBystanders
	m.renaming = w.renamings()
	m.empty()
	return m, nil
}

// Config returns the configuration.
func (m *Model) Config() Config { return m.world.Config }

// begin is the state in which the nodes are up, have listed nothing but an empty
// cluster, and the first command of the log has added each task.
func (m *Model) begin() State {
	s := State{budget: m.budget()}
	for key, start := range m.starts(nil) {
		s.tasks[key].record = m.internRecord(start.record).id
		for node, p := range start.parts {
			s.tasks[key].parts[node] = m.internPart(p).id
		}
	}
	return m.settle(s)
}

// start is how things begin for one task.
type start struct {
	record *record
	parts  []*part
}

// starts is how each task begins. Of tasks that conflict only the first
// one is there.
func (w *world) starts(out *journal) []start {
	all := make([]start, w.Tasks)
	for key := range all {
		all[key].record = &record{key: key, kept: make([]uint64, w.Groups)}
		for node := range w.Nodes {
			p := &part{key: key, node: node, passes: reconcile.Passes{Listed: true}}
			p.disk.shards = make([]shard, len(w.localUnits(node)))
			all[key].parts = append(all[key].parts, p)
		}
	}
	out.begin(w)
	for key := range w.firstTasks() {
		done := w.apply(all[key].record, w.addition(key, key))
		if done.err != nil || done.broken != nil {
			panic(fmt.Sprintf("tasks: the first task cannot be added: %v %v", done.err, done.broken))
		}
		done.record.past = nil
		all[key].record = done.record
		out.committed(w, w.addition(key, key), done)
	}
	return all
}

// firstTasks is how many tasks are there at the start.
func (w *world) firstTasks() int {
	if w.Conflict {
		return 1
	}
	return w.Tasks
}

// internFlight returns the one flight of these ghosts.
func (m *Model) internFlight(ghosts []*ghost) *flight {
	if len(ghosts) == 0 {
		return nil
	}
	slices.SortFunc(ghosts, func(a, b *ghost) int { return cmp.Compare(a.hash, b.hash) })
	var content, named []byte
	for _, g := range ghosts {
		content = appendNums(content, uint64(g.id))
		named = g.append(named)
	}
	return m.flights.intern(content, func(id uint32) *flight {
		return &flight{id: id, hash: hash(named), ghosts: ghosts}
	})
}

func (m *Model) internGhost(c command) *ghost {
	content := c.append(nil)
	return m.ghosts.intern(content, func(id uint32) *ghost {
		return &ghost{id: id, hash: hash(content), command: c}
	})
}

// inFlight returns the ghosts of a state.
func (m *Model) inFlight(s *State) []*ghost {
	if s.flight == 0 {
		return nil
	}
	return m.flights.at(s.flight).ghosts
}

// setFlight replaces the ghosts of a state; it takes the slice.
func (m *Model) setFlight(s *State, ghosts []*ghost) {
	s.flight = 0
	if f := m.internFlight(ghosts); f != nil {
		s.flight = f.id
	}
}

// Properties implements explore.Model.
func (m *Model) Properties() []string { return slices.Clone(properties) }

// Initial implements explore.Model.
func (m *Model) Initial(states []State) []State { return append(states, m.initial) }

// Fingerprint implements explore.Model. Ids do not depend on contents, so it is made
// of the hashes of the contents.
func (m *Model) Fingerprint(s *State) uint64 {
	h := fold(uint64(s.budget), uint64(s.left))
	if s.flight != 0 {
		h = fold(h, m.flights.at(s.flight).hash)
	}
	for key := range m.Tasks {
		k := &s.tasks[key]
		h = fold(h, m.records.at(k.record).hash)
		for node := range m.Nodes {
			h = fold(h, m.parts.at(k.parts[node]).hash)
		}
	}
	return mix(h)
}
