package logs

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/raft"

	"dtsim/fsm/api"
	"dtsim/fsm/replica"
	"dtsim/models/explore"
)

// later checks a log of a client that still waits for all of its requests: a replica restored
// from a snapshot between any two commands comes to the same state, and every request that
// comes again, on either replica, has the outcome that it had and changes nothing.
func (m *Model) later(s *State) *explore.Broken {
	p := newPair()
	p.waits = true
	for _, c := range m.begins[s.begin].commands {
		p.apply(c)
	}
	type copied struct {
		*replica.Replica
		from int
	}
	var copies []copied
	var entries []*raft.Log
	var results []replica.Result
	for i, c := range s.commands[:s.length] {
		restored, err := p.restored()
		if err != nil {
			return &explore.Broken{Property: "P1", Message: "restore: " + err.Error()}
		}
		copies = append(copies, copied{restored, i})
		p.apply(m.alphabet[c])
		entries, results = append(entries, p.newest), append(results, p.result)
	}
	for _, r := range copies {
		for i := r.from; i < len(entries); i++ {
			if result := r.Apply(entries[i]).(replica.Result); fmt.Sprint(result) != fmt.Sprint(results[i]) {
				return &explore.Broken{Property: "P1", Message: fmt.Sprintf("request %d: %v, %d requests behind a snapshot %v", i+1, results[i], i-r.from+1, result)}
			}
		}
		if broken := same(p.replica, r.Replica, r.from); broken != nil {
			return broken
		}
	}
	for i, entry := range entries {
		p.index++
		again := *entry
		again.Index = p.index
		for _, r := range append(copies, copied{p.replica, len(entries)}) {
			if result := r.Apply(&again).(replica.Result); fmt.Sprint(result) != fmt.Sprint(results[i]) {
				return &explore.Broken{Property: "P2", Message: fmt.Sprintf("request %d has the outcome %v, and when it comes again behind %d others %v", i+1, results[i], len(entries)-i-1, result)}
			}
		}
	}
	if broken := p.over(); broken != nil {
		return broken
	}
	return p.records(command{})
}

// over restores the state on a replica that holds a task of which the state knows nothing:
// nothing is left of it. A replica refuses a state that is older than its own.
func (p *pair) over() *explore.Broken {
	other := newPair()
	other.apply(of(api.CommandAddTask, api.AddDistributedTaskRequest{Namespace: free, Id: "elsewhere", UnitIds: []string{"u"}, SubmittedAtUnixMillis: 1000}))
	if p.index <= other.index {
		return nil
	}
	state, err := p.replica.State()
	if err == nil {
		err = restore(other.replica, state)
	}
	if err != nil {
		return &explore.Broken{Property: "P1", Message: "restore: " + err.Error()}
	}
	now, err := other.replica.State()
	if err != nil || !bytes.Equal(now, state) {
		return &explore.Broken{Property: "P1", Message: fmt.Sprintf("the state, restored on a replica that held another task, becomes another one: %s (%v)", difference(state, now), err)}
	}
	return nil
}

// difference shows where two encodings begin to differ.
func difference(want, got []byte) string {
	at := 0
	for at < len(want) && at < len(got) && want[at] == got[at] {
		at++
	}
	from := max(0, at-40)
	return fmt.Sprintf("%q instead of %q at byte %d", got[from:min(len(got), at+80)], want[from:min(len(want), at+80)], at)
}

// same compares a replica with one restored from a snapshot.
func same(r, restored *replica.Replica, from int) *explore.Broken {
	x, errX := r.State()
	y, errY := restored.State()
	if errX != nil || errY != nil || !bytes.Equal(x, y) {
		return &explore.Broken{Property: "P1", Message: fmt.Sprintf("the state is %s, and of a replica that was restored before request %d %s (%v, %v)", x, from+1, y, errX, errY)}
	}
	return nil
}
