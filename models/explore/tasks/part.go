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

	// The runner; lost in a crash.

	memory reconcile.Memory
	// passes is the number of the newest pass that was started. Numbers are lowered
	// together whenever no older ones are in use.
	passes uint64
	// booted: a list was seen by this incarnation.
	booted bool
	// endedAtStart is the version that was terminal in the first list.
	endedAtStart uint64
	// pending is the newest look that no action was decided on yet, current the one
	// that actions are decided on.
	pending, current *look
	// coming is a list that was made and has not arrived.
	coming   *look
	underWay *underWay
	handles  []handle // by ascending version

	// disk survives.
	disk disk

	// What the properties remember of this incarnation.

	// known is the newest state that was listed: version and phase.
	known known
	// calls are the callbacks of the known version that ended, sorted.
	calls []call
	// gone is the newest version that a list has shown to be gone, for lists that lag.
	gone uint64
	// replay is the version whose provider has said that its part is not done.
	replay uint64
}

// look is what one pass saw: package sched has one of the same name.
type look struct {
	record                     *record
	pass                       uint64
	local                      []uint64
	present, bootstrap, expire bool
}

// underWay is an action that is decided and not settled.
type underWay struct {
	action reconcile.Action
	// committed: its command is in the log, with the verdict ok or not, and the reply is
	// on its way.
	committed, ok bool
}

// handle is a worker.
type handle struct {
	version uint64
	// terminated: it was told to stop. exited: it has.
	terminated, exited bool
	// at is the unit it has claimed and works on, -1 for none.
	at int8
	// units has a bit for each unit it has not taken up yet.
	units uint32
}

func (h handle) state() reconcile.HandleState {
	switch {
	case h.exited:
		return reconcile.Exited
	case h.terminated:
		return reconcile.Terminating
	}
	return reconcile.Running
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

// clone is a copy to be changed.
func (p *part) clone() *part {
	c := *p
	c.id, c.hash = 0, 0
	return &c
}

// quiet says that the runner waits for a list.
func (p *part) quiet() bool {
	return p.underWay == nil && p.current == nil && p.pending == nil && p.coming == nil
}

// append appends an encoding that is equal for equal parts, and for no others. With
// contents, records stand in it as the hashes of their contents, else as their ids.
func (p *part) append(b []byte, contents bool) []byte {
	b = append(b, byte(p.key), byte(p.node), bit(p.booted))
	b = appendNums(b, p.passes, p.endedAtStart, p.known.version, uint64(p.known.phase), p.gone, p.replay)
	b = p.memory.AppendBinary(b)
	for _, l := range [...]*look{p.pending, p.current, p.coming} {
		b = l.append(b, contents)
	}
	b = p.underWay.append(b)
	b = append(b, byte(len(p.handles)))
	for _, h := range p.handles {
		b = appendNums(b, h.version, uint64(h.units))
		b = append(b, bit(h.terminated), bit(h.exited), byte(h.at))
	}
	b = append(b, byte(len(p.calls)))
	for _, c := range p.calls {
		b = append(b, byte(c.kind), c.group, bit(c.failed))
	}
	return p.disk.append(b)
}

func (l *look) append(b []byte, contents bool) []byte {
	if l == nil {
		return append(b, 0)
	}
	b = append(b, 1, bit(l.present), bit(l.bootstrap), bit(l.expire))
	b = binary.AppendUvarint(b, l.pass)
	if contents {
		b = binary.LittleEndian.AppendUint64(b, l.record.hash)
	} else {
		b = binary.LittleEndian.AppendUint32(b, l.record.id)
	}
	return appendList(b, l.local)
}

func (u *underWay) append(b []byte) []byte {
	if u == nil {
		return append(b, 0)
	}
	a := &u.action
	b = append(b, 1, byte(a.Kind), bit(a.Success), bit(u.committed), bit(u.ok), byte(len(a.Units)))
	b = appendNums(b, a.Version, a.Basis.Pass, a.Basis.Version)
	p := a.Basis.Progress
	b = append(b, p.Phase, byte(p.TerminalUnits), byte(p.ClaimedUnits), byte(p.PreparationAcks), byte(p.PostAcks))
	for _, s := range append([]string{a.Group, a.Message}, a.Units...) {
		b = appendText(b, s)
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
	for _, l := range [...]**look{&p.pending, &p.current, &p.coming} {
		if *l != nil && (*l).record.id == 0 {
			c := **l
			c.record = m.internRecord(c.record)
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
