package history

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"dtsim/models/spec"
)

// name is a task's, in all its versions.
type name struct{ namespace, id string }

func sortedNames[V any](of map[name]V) []name {
	all := make([]name, 0, len(of))
	for n := range of {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b name) int { return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.id, b.id)) })
	return all
}

// subject is what a command is about.
type subject struct {
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
	Payload   []byte `json:"payload"`
}

// subject reads what a command is about; bytes that are no command are about nothing.
func (o *Op) subject() subject {
	var s subject
	if json.Unmarshal(o.Args, &s) != nil {
		return subject{}
	}
	return s
}

// name describes the operation in a finding.
func (o *Op) name() string {
	s := fmt.Sprintf("%s of %s", o.Kind, cmp.Or(o.Client, "an unknown client"))
	if commands[o.Kind] == 0 {
		return s + " " + o.Collection
	}
	q := o.subject()
	return fmt.Sprintf("%s (%s/%s)", s, q.Namespace, q.ID)
}

// verdict is what is known of the command's verdict, "" for nothing.
func (o *Op) verdict() string {
	if o.Outcome == OK {
		return string(OK)
	}
	return o.Verdict
}

// accepted reports whether a command is known to have been accepted.
func (o *Op) accepted() bool { return o.verdict() == string(OK) }

// answeredAt is when the client received the outcome, never if it did not.
func (o *Op) answeredAt() int64 {
	if o.Outcome == OK || o.Outcome == Rejected {
		return o.Return
	}
	return never
}

// ended is when the operation had taken effect at the latest, never if it may at any
// time. One without an answer had when a replica applied it: no client has an
// answer, but every list may show the effect.
func (o *Op) ended() int64 {
	if at := o.answeredAt(); at != never || o.AppliedAt == 0 {
		return at
	}
	return max(o.AppliedAt, o.Call)
}

func (s Shown) digest() (uint64, error) { return strconv.ParseUint(s.Digest, 16, 64) }

// contents are the digests of the tasks that a list shows.
func (o *Op) contents() map[name]uint64 {
	all := make(map[name]uint64, len(o.Shows))
	for _, s := range o.Shows {
		d, err := s.digest()
		if err != nil {
			panic(fmt.Sprintf("history: a list that was not validated: %s", err))
		}
		all[name{s.Namespace, s.ID}] = d
	}
	return all
}

// shown is the digest of the state that a list shows.
func (o *Op) shown() uint64 {
	spaces := make(map[string]uint64)
	for n, d := range o.contents() {
		spaces[n.namespace] += spec.EntryDigest(n.id, d)
	}
	var sum uint64
	for namespace, d := range spaces {
		sum += spec.EntryDigest(namespace, d)
	}
	return sum
}

// digestOf is the digest of a task in a state, 0 when there is none.
func digestOf(m spec.Machine, n name) uint64 {
	if t := m.Task(n.namespace, n.id); t != nil {
		return t.Digest()
	}
	return 0
}
