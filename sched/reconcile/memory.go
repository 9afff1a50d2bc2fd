package reconcile

import (
	"encoding/binary"
	"slices"
	"strings"
)

// Recovery is what a provider returned about a task that was terminal at the start.
type Recovery uint8

const (
	// RecoveryUnknown: it was not asked, or gave no answer.
	RecoveryUnknown Recovery = iota
	// RecoveryDone: its part is done, no callback runs.
	RecoveryDone
	// RecoveryReplay: its part is not done, the callbacks run again.
	RecoveryReplay
)

// GroupResult is the outcome of one group callback.
type GroupResult struct {
	Group  string
	Failed bool
	// Err is the error of a failed callback.
	Err string
}

// Attempt keeps an action from being tried twice for one list.
type Attempt struct {
	Kind    Kind
	Version uint64
	Group   string
	// OK: it succeeded.
	OK bool
	// Until is the last pass the attempt counts for.
	Until uint64
}

// Memory is the state that one incarnation of a node keeps of one key. The zero value
// is empty. Memories are values: Saw and Settle return a new one and leave the
// old intact; the slices may be shared and are never written to. Equal memories
// have equal [Memory.AppendBinary].
type Memory struct {
	// Version is the newest version seen, and Seen how far it was; all fields but
	// Tried are about that version.
	Version uint64
	Seen    Progress
	// EffectPass is the newest pass that was started when this node's last effect on
	// the cluster was accepted; lists up to it may not show the effect.
	EffectPass uint64
	Recovery   Recovery
	// Prepared holds the results of Prepare, Completed those of CompleteGroup or
	// Swap, both sorted by group.
	Prepared, Completed []GroupResult
	// Done has bit 1<<k for each Kind k among the acks, CompleteTask, Finalize and
	// CleanRecord that succeeded; none of them is done twice.
	Done uint32
	// Tried holds what must not be tried again for the same list, sorted by kind,
	// version and group.
	Tried []Attempt
}

// Did reports whether an ack, CompleteTask, Finalize or CleanRecord succeeded.
func (m Memory) Did(kind Kind) bool { return m.Done&(1<<kind) != 0 }

// Clone returns a copy that shares nothing with m.
func (m Memory) Clone() Memory {
	m.Prepared, m.Completed, m.Tried = slices.Clone(m.Prepared), slices.Clone(m.Completed), slices.Clone(m.Tried)
	return m
}

// Saw returns the memory after the node got the view. It is to be called for every
// view, also for one that a newer replaces before anything was decided on it.
func (m Memory) Saw(v View) Memory { return m.seeing(v.basis()) }

// Settle returns the memory after an action that [Next] returned had the outcome.
// Wait, Relist and Forget are settled too. More may have been seen since Next
// returned the action; the outcome of an action on a version that was replaced
// meanwhile means nothing to the new one.
func (m Memory) Settle(a Action, o Outcome) Memory {
	if a.Kind == Forget {
		return Memory{}
	}
	m = m.seeing(a.Basis)
	ok := o.Result == OK
	switch a.Kind {
	case Wait, Relist, Terminate:
		return m
	case Start, Reap, CleanLocal:
		// Even a success counts as tried, and for lists under way too: a worker that
		// exits at once is launched again for a later list only, and local state that
		// was read before the action shows none of it.
		return m.tried(a, ok, max(a.Basis.Pass, o.Pass))
	}
	if a.Version != m.Version {
		return m
	}
	switch a.Kind {
	case AskRecovered:
		switch {
		case !ok:
			m = m.tried(a, false, a.Basis.Pass)
		case o.Answer:
			m.Recovery = RecoveryDone
		default:
			m.Recovery = RecoveryReplay
		}
	case Prepare, CompleteGroup, Swap:
		if o.Result == Cancelled {
			m = m.tried(a, false, a.Basis.Pass)
		} else {
			m = m.withResult(a.Kind == Prepare, GroupResult{Group: a.Group, Failed: !ok, Err: o.Err})
		}
	case CompleteTask:
		if ok {
			m.Done |= 1 << a.Kind
		} else {
			m = m.tried(a, false, a.Basis.Pass)
		}
	case AckPreparation, AckPost, Finalize, CleanRecord:
		if ok {
			m.Done |= 1 << a.Kind
			m.EffectPass = max(m.EffectPass, o.Pass)
		} else {
			m = m.tried(a, false, a.Basis.Pass)
		}
	}
	return m
}

// seeing returns the memory with what an action was decided on: a newer version
// begins with an empty memory, attempts of passed lists are dropped.
func (m Memory) seeing(b Basis) Memory {
	switch {
	case b.Version > m.Version:
		m = Memory{Version: b.Version, Seen: b.Progress, Tried: m.Tried}
	case b.Version == m.Version:
		m.Seen = m.Seen.join(b.Progress)
	}
	var tried []Attempt
	for _, t := range m.Tried {
		if t.Until >= b.Pass {
			tried = append(tried, t)
		}
	}
	m.Tried = tried
	return m
}

func (m Memory) result(prepared bool, group string) (GroupResult, bool) {
	results := m.Completed
	if prepared {
		results = m.Prepared
	}
	i, ok := slices.BinarySearchFunc(results, group, compareResult)
	if !ok {
		return GroupResult{}, false
	}
	return results[i], true
}

func (m Memory) hasResult(kind Kind, group string) bool {
	_, ok := m.result(kind == Prepare, group)
	return ok
}

func (m Memory) withResult(prepared bool, r GroupResult) Memory {
	results := &m.Completed
	if prepared {
		results = &m.Prepared
	}
	i, known := slices.BinarySearchFunc(*results, r.Group, compareResult)
	*results = slices.Clone(*results)
	if known {
		(*results)[i] = r
	} else {
		*results = slices.Insert(*results, i, r)
	}
	return m
}

func compareResult(r GroupResult, group string) int { return strings.Compare(r.Group, group) }

func (m Memory) attempt(pass uint64, kind Kind, version uint64, group string) (Attempt, bool) {
	i, ok := m.findAttempt(Attempt{Kind: kind, Version: version, Group: group})
	if !ok || m.Tried[i].Until < pass {
		return Attempt{}, false
	}
	return m.Tried[i], true
}

func (m Memory) tried(a Action, ok bool, until uint64) Memory {
	t := Attempt{Kind: a.Kind, Version: a.Version, Group: a.Group, OK: ok, Until: until}
	i, known := m.findAttempt(t)
	m.Tried = slices.Clone(m.Tried)
	if known {
		m.Tried[i] = t
	} else {
		m.Tried = slices.Insert(m.Tried, i, t)
	}
	return m
}

func (m Memory) findAttempt(t Attempt) (int, bool) {
	return slices.BinarySearchFunc(m.Tried, t, func(a, b Attempt) int {
		switch {
		case a.Kind != b.Kind:
			return int(a.Kind) - int(b.Kind)
		case a.Version < b.Version:
			return -1
		case a.Version > b.Version:
			return 1
		default:
			return strings.Compare(a.Group, b.Group)
		}
	})
}

// Rebase returns the memory with all passes lowered by the given number (and none
// below 0). Next answers the same when the view's pass is lowered with it, which
// lets a model checker recognise a situation that came back in a later pass.
func (m Memory) Rebase(passes uint64) Memory {
	lower := func(pass uint64) uint64 { return pass - min(pass, passes) }
	m.EffectPass = lower(m.EffectPass)
	m.Tried = slices.Clone(m.Tried)
	for i := range m.Tried {
		m.Tried[i].Until = lower(m.Tried[i].Until)
	}
	return m
}

// AppendBinary appends an encoding that is equal for equal memories, and for no
// others.
func (m Memory) AppendBinary(b []byte) []byte {
	for _, n := range []uint64{
		m.Version, uint64(m.Seen.Phase), uint64(m.Seen.TerminalUnits), uint64(m.Seen.ClaimedUnits),
		uint64(m.Seen.PreparationAcks), uint64(m.Seen.PostAcks), m.EffectPass, uint64(m.Recovery), uint64(m.Done),
	} {
		b = binary.AppendUvarint(b, n)
	}
	for _, results := range [][]GroupResult{m.Prepared, m.Completed} {
		b = binary.AppendUvarint(b, uint64(len(results)))
		for _, r := range results {
			b = appendString(b, r.Group)
			b = append(b, bit(r.Failed))
			b = appendString(b, r.Err)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(m.Tried)))
	for _, t := range m.Tried {
		b = append(b, byte(t.Kind), bit(t.OK))
		b = binary.AppendUvarint(b, t.Version)
		b = appendString(b, t.Group)
		b = binary.AppendUvarint(b, t.Until)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func bit(set bool) byte {
	if set {
		return 1
	}
	return 0
}
