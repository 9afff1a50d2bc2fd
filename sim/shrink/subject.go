package shrink

import (
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Application is what a shrinking needs of an application. Its methods are called by
// one goroutine.
type Application interface {
	// Open decodes a plan; the error is about one that cannot be run.
	Open(p *plan.Plan) (Subject, error)
	// Cause returns the violation to keep when none was chosen, of a list that is not empty.
	Cause(p *plan.Plan, violations []trace.Violation) trace.Violation
	// Families are the kinds of elements of the application's part: those that are tried
	// before nodes are taken away, and those that are tried after it.
	Families() (first, rest []Family)
	// Usual are values of the part that a document may leave out, by their struct types.
	Usual() []any
}

// Subject is a plan whose part is decoded.
type Subject interface {
	// Base is the framework's part of the plan, which the shrinking changes in place. Its
	// field Part is not used.
	Base() *plan.Plan
	// Clone returns a copy that shares nothing with the plan.
	Clone() Subject
	// Encode returns the plan as it is run.
	Encode() *plan.Plan
	// Validate returns what makes the plan impossible to run, a [*plan.Error] if that has a
	// place.
	Validate() error
	// Drop removes what stands at a path of the part, and what refers to it; false if that
	// cannot go alone. It may remove nothing if what was left there is empty.
	Drop(path string) bool
	// WithoutNodes follows when nodes are taken away: rename returns the name that a node
	// has now.
	WithoutNodes(rename func(name string) string)
	// Last is when the last thing is asked of the cluster.
	Last() plan.Duration
	// Reset sets the settings of the part to what they are by default.
	Reset()
	// Halve lets f change the times of what is asked of the cluster.
	Halve(f func(*plan.Duration))
	// Expects reports whether a violated property is an expectation that the plan names,
	// which is kept with the workload that it was written for.
	Expects(property string) bool
	// Values are the structs whose fields may be made simpler, always in the same order;
	// workload asks for those of the workload, too.
	Values(workload bool) []Value
	// Size is how large the part is, in words; Shape what kinds of things stand in it.
	Size() string
	Shape() []string
}

// Value is a part of a plan that may be made simpler: a pointer, and what it points to by
// default; nil for the default of its type.
type Value struct{ Of, Usual any }

// Family is a kind of element that can be taken away from a plan, numbered from 0.
type Family struct {
	Name string
	// Workload is true if the elements are part of the workload, or decide what it means.
	Workload bool
	Count    func(s Subject) int
	// Without changes a copy of the plan that it may keep, removing the elements
	// from..to-1. Whatever refers to them is removed afterwards.
	Without func(s Subject, from, to int)
}

// bare is the application of plans without a part that could be made smaller.
type bare struct{}

func (bare) Open(p *plan.Plan) (Subject, error) { return bareSubject{p.Clone()}, p.Validate() }

func (bare) Cause(_ *plan.Plan, violations []trace.Violation) trace.Violation { return violations[0] }

func (bare) Families() (first, rest []Family) { return nil, nil }

func (bare) Usual() []any { return nil }

type bareSubject struct{ *plan.Plan }

func (b bareSubject) Base() *plan.Plan               { return b.Plan }
func (b bareSubject) Clone() Subject                 { return bareSubject{b.Plan.Clone()} }
func (b bareSubject) Encode() *plan.Plan             { return b.Plan }
func (bareSubject) Drop(string) bool                 { return false }
func (bareSubject) WithoutNodes(func(string) string) {}
func (bareSubject) Last() plan.Duration              { return 0 }
func (bareSubject) Reset()                           {}
func (bareSubject) Halve(func(*plan.Duration))       {}
func (bareSubject) Expects(string) bool              { return false }
func (bareSubject) Values(bool) []Value              { return nil }
func (bareSubject) Size() string                     { return "" }
func (bareSubject) Shape() []string                  { return nil }
