package provider

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"

	"dtsim/scenarios/tasks/taskevent"
	"dtsim/sim/disk"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// errGone is the error that a shard is not, or no longer, on this node.
var errGone = errors.New("is not on this node")

// Property is a property of a collection, as a node's schema has it.
type Property struct {
	Tokenization string
	// UserIndex is the log index of the last change that was not a task's own: the
	// creation of the collection or an update by a user.
	UserIndex uint64
	// FlippedBy is the version of the last run that set it for the whole cluster; 0
	// when none has.
	FlippedBy uint64
	// SwappedBy holds, for each tenant that a run has swapped alone and nothing has
	// changed since then, the version of that run.
	SwappedBy map[string]uint64
	// Kept holds what tenants serve that serve something of their own.
	Kept map[string]string
}

// of returns the tokenization of a shard.
func (p Property) of(shard string) string { return cmp.Or(p.Kept[shard], p.Tokenization) }

// swaps reports whether the tenant, or every tenant, has swapped for a run.
func (p Property) swaps(run Run, tenant string) bool {
	return p.FlippedBy == run.Version || p.SwappedBy[tenant] == run.Version
}

// Collection is a collection in the schema of a node.
type Collection struct {
	Name string
	// Born is the log index that created it.
	Born       uint64
	Properties map[string]Property
	// MultiTenant: shards are tenants, and come and go.
	MultiTenant bool
	// Replicas holds which nodes hold each shard.
	Replicas map[string][]string
}

// Emit appends an event to the trace, in the name of one incarnation of a node.
type Emit func(trace.Body)

// Shards are the replicas that one node holds. Safe for concurrent use. Changes
// are on the disk when the call that makes them returns.
type Shards struct {
	node  string
	files *disk.Files
	emit  Emit
	// turn is held, by having received from it, while shards are read and written; a
	// mutex would stop the virtual time of a bubble while the disk syncs.
	turn   chan struct{}
	shards map[string]*Shard
	// unsure are the files of which it is not known whether the last write is durable: it
	// failed when the new contents had their name. They are written again before anything
	// is built on them.
	unsure map[string]bool
	// reach announces a moment of a run.
	reach func(plan.Moment, Run)
}

// Drafts begins the names of files that are being written: what is there at a restart is
// torn, or whole, and no event has recorded it.
const Drafts = "next/"

// OpenShards reads the shards on a disk. A crash may have left drafts of them; what they
// were written for is done again. Reach announces when something is written and not
// synced, and returns when what waits for that has happened; nil announces nothing.
func OpenShards(node string, files *disk.Files, emit Emit, reach func(plan.Moment, Run)) (*Shards, error) {
	if reach == nil {
		reach = func(plan.Moment, Run) {}
	}
	s := &Shards{
		node: node, files: files, emit: emit, turn: make(chan struct{}, 1), shards: make(map[string]*Shard), unsure: make(map[string]bool), reach: reach,
	}
	s.turn <- struct{}{}
	for _, draft := range files.List(Drafts) {
		// One that cannot be removed now is written over when its time comes.
		_ = files.Remove(draft)
	}
	for _, file := range files.List("shard/") {
		b, err := files.Read(file)
		if err != nil {
			return nil, err
		}
		var shard Shard
		if err := json.Unmarshal(b, &shard); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		s.shards[file] = &shard
	}
	return s, nil
}

// file is the name of the file of a shard. Collections are the same whatever the case of their names.
func file(collection, shard string) string {
	return "shard/" + url.PathEscape(strings.ToLower(collection)) + "/" + url.PathEscape(shard)
}

// All returns copies of all shards, sorted by collection and name.
func (s *Shards) All() []*Shard {
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	var all []*Shard
	for _, name := range slices.Sorted(maps.Keys(s.shards)) {
		all = append(all, s.shards[name].clone())
	}
	return all
}

// Get returns a copy of a shard; the error wraps errGone when there is none.
func (s *Shards) Get(collection, shard string) (*Shard, error) {
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	found := s.shards[file(collection, shard)]
	if found == nil {
		return nil, fmt.Errorf("shard %s/%s %w", collection, shard, errGone)
	}
	return found.clone(), nil
}

// change applies f to a shard in the name of a run and writes it if f reports that it
// changed; why, when not empty, goes into the trace with the property. A shard of a
// collection that is younger than the run is another shard: gone.
func (s *Shards) change(collection, shard string, run Run, property string,
	f func(*Shard) (changed bool, why string, err error)) error {
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	found := s.shards[file(collection, shard)]
	if found == nil || found.Born > run.Version {
		return fmt.Errorf("shard %s/%s %w", collection, shard, errGone)
	}
	if err := s.ensure(found); err != nil {
		return err
	}
	next := found.clone()
	changed, why, err := f(next)
	if err != nil || !changed {
		return err
	}
	return s.write(next, why, property, run)
}

// write makes a shard durable and records it. The turn is held.
func (s *Shards) write(shard *Shard, why, property string, run Run) error {
	if err := s.store(shard, run); err != nil {
		return err
	}
	s.shards[file(shard.Collection, shard.Shard)] = shard
	s.record(shard, why, property, run)
	return nil
}

// ensure makes durable what is known of a shard, if a write that failed may have left
// something else. The turn is held.
func (s *Shards) ensure(shard *Shard) error {
	if !s.unsure[file(shard.Collection, shard.Shard)] {
		return nil
	}
	return s.store(shard, Run{})
}

// store writes a shard in two steps, each with its sync: a draft beside the file, so that
// a crash in the middle of it tears nothing that is read, then the draft's name.
func (s *Shards) store(shard *Shard, run Run) error {
	b, err := json.Marshal(shard)
	if err != nil {
		return err
	}
	name := file(shard.Collection, shard.Shard)
	draft := Drafts + name
	if err := s.files.Write(draft, b); err != nil {
		return fmt.Errorf("%s: %w", draft, err)
	}
	s.reach(plan.FileUnsynced, run)
	if err := s.files.Sync(draft); err != nil {
		return fmt.Errorf("%s: %w", draft, err)
	}
	if err := s.files.Rename(draft, name); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.unsure[name] = true
	s.reach(plan.FileUnsynced, run)
	if err := s.files.SyncDir(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	delete(s.unsure, name)
	return nil
}

// record puts a change into the trace.
func (s *Shards) record(shard *Shard, why, property string, run Run) {
	if why == "" {
		return
	}
	s.emit(&taskevent.ShardChanged{
		Collection: shard.Collection, Born: shard.Born, Shard: shard.Shard, Why: why,
		Property: property, Tokenization: shard.Active[property].Tokenization, Run: run,
	})
}

// Follow makes the shards what the schema requires: those of new collections begin,
// those that are gone go, and an update by a user changes them at once. What a
// task changes is the task's business. The schema is at least of the log index: one
// that is older than a shard, as that of a node that has come back and has not caught
// up, is no evidence about it.
func (s *Shards) Follow(schema []Collection, index uint64) error {
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	wanted := make(map[string]bool)
	for _, c := range schema {
		for _, shard := range slices.Sorted(maps.Keys(c.Replicas)) {
			if !slices.Contains(c.Replicas[shard], s.node) {
				continue
			}
			name := file(c.Name, shard)
			wanted[name] = true
			if err := s.follow(s.shards[name], c, shard, index); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.shards)) {
		if wanted[name] || index < s.shards[name].Seen {
			continue
		}
		if err := s.files.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := s.files.SyncDir(); err != nil {
			return err
		}
		s.record(s.shards[name], "removed", "", Run{})
		delete(s.shards, name)
		delete(s.unsure, name)
	}
	return nil
}

// follow makes one shard what its collection requires.
func (s *Shards) follow(found *Shard, c Collection, shard string, index uint64) error {
	if found != nil && index < found.Seen {
		return nil
	}
	if found != nil {
		if err := s.ensure(found); err != nil {
			return err
		}
	}
	properties := slices.Sorted(maps.Keys(c.Properties))
	if found == nil || found.Born != c.Born {
		found = &Shard{Collection: c.Name, Shard: shard, Born: c.Born, Seen: max(c.Born, index), Active: make(map[string]Segments)}
		for _, property := range properties {
			found.Active[property] = Segments{Tokenization: c.Properties[property].of(shard)}
			found.Seen = max(found.Seen, c.Properties[property].UserIndex)
		}
		return s.write(found, "created", "", Run{})
	}
	next := found.clone()
	var updated []string
	for _, property := range properties {
		p := c.Properties[property]
		if p.UserIndex <= found.Seen {
			continue
		}
		updated = append(updated, property)
		next.Seen = max(next.Seen, p.UserIndex)
		next.Active[property] = Segments{Tokenization: p.of(shard)}
		delete(next.Built, property)
		delete(next.Replaced, property)
	}
	if len(updated) == 0 {
		return nil
	}
	if err := s.write(next, "", "", Run{}); err != nil {
		return err
	}
	for _, property := range updated {
		s.record(next, "updated", property, Run{})
	}
	return nil
}
