package tasks

import (
	"encoding/binary"
	"slices"

	"dtsim/sched/reconcile"
)

// part is what one node is to one task id: the runner of its scheduler, the workers,
// what the provider has on its disk, and what the properties have to remember. It is
// never written to once it is interned; slices may be shared and are copied before
// they change.
type part struct {
	id   uint32 // in its pool, 0 for one that is not interned
	hash uint64 // of the content
	key  int
	node int

	// What a scheduler keeps; lost in a crash.

	// decides is what all decisions are made by.
	decides reconcile.Runner[*record]
	// passes numbers the passes of this incarnation. Numbers are lowered together whenever
	// no older ones are in use.
	passes reconcile.Passes
	// coming is a list that was made and has not arrived.
	coming *look
	// committed: the command of the action under way is in the log, with the verdict
	// accepted or not, and the reply is on its way.
	committed, accepted bool
	// workers are what the handles of decides stand for, by ascending version.
	workers []worker

	// disk survives.
	disk disk

	// What the properties remember of this incarnation.

	// known is the newest state that was listed: version and phase.
	known known
	// calls are the callbacks of the known version that ended, sorted.
	calls []call
	// gone is the newest version that a list has shown to be gone, for lists that lag.
	gone uint64
	// replay is the version whose provider has returned that its part is not done.
	replay uint64
	// ended is the version that was terminal in the first list, for as long as it is listed.
	ended uint64
}

// look is what one pass shows, and the record that it was made from.
type look = reconcile.Look[*record]

// worker is what a handle stands for.
type worker struct {
	version uint64
	// terminated: it was asked to stop. exited: it has.
	terminated, exited bool
	// at is the unit it has claimed and works on, -1 for none.
	at int8
	// units has a bit for each unit it has not taken up yet.
	units uint32
}

// exited reports whether the worker of a handle has exited.
func (p *part) exited(h reconcile.Handle) bool {
	return slices.ContainsFunc(p.workers, func(w worker) bool { return w.version == h.Version && w.exited })
}

// known orders what was listed.
type known struct {
	version uint64
	phase   uint8
}

func (k known) olderThan(other known) bool {
	return k.version < other.version || k.version == other.version && k.phase < other.phase
}

// call is a callback that has ended.
type call struct {
	kind   reconcile.Kind
	group  uint8
	failed bool
}

// disk is what a provider keeps of one task id: see scenarios/tasks/provider.
type disk struct {
	// runs are the versions with files, ended those whose OnTaskCompleted has come to
	// its end; both ascending.
	runs, ended []uint64
	// shards are the replicas of the node's units, in the order of the units.
	shards []shard
}

// shard is the durable state of one replica of a shard.
type shard struct {
	// active is the version whose segments serve, 0 for those it began with.
	active uint64
	// built is the version whose segments wait for their swap, ready that they may.
	built uint64
	ready bool
	// kept: what the swap of active has replaced is still there, replaced is by whom.
	kept     bool
	replaced uint64
}

// fresh is a part after a crash: what survives.
func (p *part) fresh() *part { return &part{key: p.key, node: p.node, disk: p.disk} }

// looks are the places of all looks of a part.
func (p *part) looks() [3]**look {
	return [...]**look{&p.decides.Pending, &p.decides.Current, &p.coming}
}

// clone is a copy to be changed.
func (p *part) clone() *part {
	c := *p
	c.id, c.hash = 0, 0
	return &c
}

// quiet reports whether the node waits for a list.
func (p *part) quiet() bool {
	return p.decides.UnderWay == nil && p.decides.Current == nil && p.decides.Pending == nil && p.coming == nil
}

// append appends an encoding that is equal for equal parts, and for no others. With
// contents, records stand in it as the hashes of their contents, else as their ids.
func (p *part) append(b []byte, contents bool) []byte {
	r := &p.decides
	b = append(b, byte(p.key), byte(p.node), bit(p.passes.Listed))
	b = appendNums(b, p.passes.Begun, p.ended, p.known.version, uint64(p.known.phase), p.gone, p.replay)
	b = r.Memory.AppendBinary(b)
	for _, l := range [...]*look{r.Pending, r.Current, p.coming} {
		b = p.appendLook(b, l, contents)
	}
	b = p.appendUnderWay(b)
	b = append(b, byte(len(p.workers)))
	for _, w := range p.workers {
		b = appendNums(b, w.version, uint64(w.units))
		b = append(b, bit(w.terminated), bit(w.exited), byte(w.at))
	}
	b = append(b, byte(len(p.calls)))
	for _, c := range p.calls {
		b = append(b, byte(c.kind), c.group, bit(c.failed))
	}
	return p.appendDifference(p.disk.append(b))
}

// appendLook appends a look. Its View's First has had its effect.
func (p *part) appendLook(b []byte, l *look, contents bool) []byte {
	if l == nil {
		return append(b, 0)
	}
	v := &l.View
	b = append(b, 1, bit(v.Present), bit(v.Present && v.Task.Version == p.ended), bit(v.Expired))
	b = binary.AppendUvarint(b, v.Pass)
	if contents {
		b = binary.LittleEndian.AppendUint64(b, l.Source.hash)
	} else {
		b = binary.LittleEndian.AppendUint32(b, l.Source.id)
	}
	return appendList(b, v.LocalState)
}

func (p *part) appendUnderWay(b []byte) []byte {
	a := p.decides.UnderWay
	if a == nil {
		return append(b, 0)
	}
	b = append(b, 1, byte(a.Kind), bit(a.Success), bit(p.committed), bit(p.accepted), byte(len(a.Units)))
	b = appendNums(b, a.Version, a.Basis.Pass, a.Basis.Version)
	seen := a.Basis.Progress
	b = append(b, seen.Phase, byte(seen.TerminalUnits), byte(seen.ClaimedUnits), byte(seen.PreparationAcks), byte(seen.PostAcks))
	for _, s := range append([]string{a.Group, a.Message}, a.Units...) {
		b = appendText(b, s)
	}
	return b
}

// appendDifference appends what the runner has noted of workers and of how it began where
// that is not what happened: only a defect of the runner makes it so.
func (p *part) appendDifference(b []byte) []byte {
	r := &p.decides
	same := func(h reconcile.Handle, w worker) bool {
		return h.Version == w.version && (h.State == reconcile.Terminating) == w.terminated
	}
	if r.EndedAtStart == p.ended && slices.EqualFunc(r.Handles, p.workers, same) {
		return b
	}
	b = appendNums(b, r.EndedAtStart)
	for _, h := range r.Handles {
		b = append(appendNums(b, h.Version), byte(h.State))
	}
	return b
}

func (d *disk) append(b []byte) []byte {
	b = appendList(appendList(b, d.runs), d.ended)
	b = append(b, byte(len(d.shards)))
	for _, s := range d.shards {
		b = appendNums(b, s.active, s.built, s.replaced)
		b = append(b, bit(s.ready), bit(s.kept))
	}
	return b
}

func appendList(b []byte, versions []uint64) []byte {
	return appendNums(append(b, byte(len(versions))), versions...)
}

// with returns the ascending list with a version in it, without one without it; the
// list itself stays as it is.
func with(list []uint64, version uint64) []uint64 {
	i, found := slices.BinarySearch(list, version)
	if found {
		return list
	}
	return slices.Insert(slices.Clone(list), i, version)
}

func without(list []uint64, version uint64) []uint64 {
	i, found := slices.BinarySearch(list, version)
	if !found {
		return list
	}
	if len(list) == 1 {
		return nil
	}
	return slices.Delete(slices.Clone(list), i, i+1)
}

// internPart returns the one part of that content.
func (m *Model) internPart(p *part) *part {
	for _, l := range p.looks() {
		if *l != nil && (*l).Source.id == 0 {
			c := **l
			c.Source = m.internRecord(c.Source)
			*l = &c
		}
	}
	var room [512]byte
	return m.parts.intern(p.append(room[:0], false), func(id uint32) *part {
		c := *p
		var room [512]byte
		c.id, c.hash = id, hash(p.append(room[:0], true))
		return &c
	})
}
