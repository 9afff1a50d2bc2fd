package provider

import (
	"fmt"
	"maps"

	"dtsim/fsm"
	"dtsim/scenarios/tasks/taskevent"
)

// Run names one run of a task.
type Run = taskevent.Run

// runOf names the run that t is the record of.
func runOf(t *fsm.Task) Run { return Run{Namespace: t.Namespace, Task: t.ID, Version: t.Version} }

// Segments are the data of one property of a shard, in one tokenization.
type Segments struct {
	Tokenization string `json:"tokenization"`
	// By is the run that built them; the zero Run for those the shard began with.
	By Run `json:"by"`
	// Ready is set when they may be swapped in.
	Ready bool `json:"ready,omitempty"`
}

// Shard is the durable state of one replica of a shard.
type Shard struct {
	Collection string `json:"collection"`
	Shard      string `json:"shard"`
	// Born is the log index that created the collection: a collection that is
	// dropped and created again under its old name is another one.
	Born uint64 `json:"born"`
	// Seen is a log index of the schema that the shard follows: every change by a user
	// up to it is in the shard, or has been.
	Seen uint64 `json:"seen"`
	// Active are the segments that serve queries, by property.
	Active map[string]Segments `json:"active"`
	// Built are segments that wait for their swap, by property.
	Built map[string]Segments `json:"built,omitempty"`
	// Replaced are the segments that a swap replaced, by property, kept until the
	// outcome of the run that swapped is certain.
	Replaced map[string]Segments `json:"replaced,omitempty"`
	// Rebuilt is the last run that rebuilt the whole shard.
	Rebuilt Run `json:"rebuilt"`
}

// clone returns a copy that shares nothing.
func (s *Shard) clone() *Shard {
	c := *s
	c.Active = maps.Clone(s.Active)
	c.Built = maps.Clone(s.Built)
	c.Replaced = maps.Clone(s.Replaced)
	return &c
}

// build leaves segments of a property beside the active ones.
func (s *Shard) build(run Run, property, tokenization string) bool {
	if s.swapped(run, property) || s.Built[property].By == run {
		return false
	}
	if s.Built == nil {
		s.Built = make(map[string]Segments)
	}
	s.Built[property] = Segments{Tokenization: tokenization, By: run}
	return true
}

// prepare makes what run has built ready for the swap.
func (s *Shard) prepare(run Run, property string) (bool, error) {
	built := s.Built[property]
	switch {
	case s.swapped(run, property) || built.By == run && built.Ready:
		return false, nil
	case built.By != run:
		return false, fmt.Errorf("shard %s/%s: %s has built no segments of %s", s.Collection, s.Shard, run, property)
	}
	built.Ready = true
	s.Built[property] = built
	return true, nil
}

// swap makes what run has prepared active and keeps what was.
func (s *Shard) swap(run Run, property string) (bool, error) {
	if s.swapped(run, property) {
		return false, nil
	}
	if _, err := s.prepare(run, property); err != nil {
		return false, err
	}
	if s.Replaced == nil {
		s.Replaced = make(map[string]Segments)
	}
	s.Replaced[property] = s.Active[property]
	s.Active[property] = s.Built[property]
	delete(s.Built, property)
	return true, nil
}

// swapped reports whether the property serves what run has built.
func (s *Shard) swapped(run Run, property string) bool { return s.Active[property].By == run }

// forget discards what the swap of run replaced: there is no way back.
func (s *Shard) forget(run Run, property string) bool {
	if _, kept := s.Replaced[property]; !kept || !s.swapped(run, property) {
		return false
	}
	delete(s.Replaced, property)
	return true
}

// rollBack discards what run has built, and swaps back if run has swapped.
func (s *Shard) rollBack(run Run, property string) (changed, swappedBack bool) {
	if s.Built[property].By == run {
		delete(s.Built, property)
		changed = true
	}
	if before, kept := s.Replaced[property]; kept && s.swapped(run, property) {
		s.Active[property] = before
		delete(s.Replaced, property)
		return true, true
	}
	return changed, false
}

// preparedBy returns the run whose segments of the property wait for their swap, or
// whose swap may still be taken back.
func (s *Shard) preparedBy(property string) (Run, bool) {
	if built, ok := s.Built[property]; ok {
		return built.By, true
	}
	_, kept := s.Replaced[property]
	return s.Active[property].By, kept
}
