// Package mutants holds defects of the task manager as data: what a harness is worth is
// which of them it finds.
//
// A mutant is a file NAME.mutant: what was wrong, where it is known from, which
// properties it breaks, and the edit that plants it. Mutants are compiled with the Go
// toolchain's -overlay (package sim/engine/build), so the shipped sources carry no
// trace of them.
//
// The format, by example:
//
//	A task is finished by whoever comes first, before the others have swapped.
//
//	known: nothing published
//	breaks: P7, P8
//	explore: yes
//
//	=== fsm/lifecycle.go
//	<<<<
//		if r.task.AcksRequired && !r.allSwapped() {
//	====
//		if false {
//	>>>>
//
// First stands prose, then fields, one a line, then edits by file. The text of every
// edit must stand exactly once in its file; a mutant whose edit does not is an error
// that names it, so that no mutant is lost when the code moves on. Edits of one file
// are applied one after the other.
//
//   - known says where the defect is known from.
//   - breaks are the properties that it may be found by; being found by another is no
//     kill.
//   - explore says whether the model checker has to find it, too: "yes", or "no, " and
//     what keeps it from it.
//   - sim, "no, " and what keeps it from it or not there, says the same of simulation.
//   - shared, "yes" or not there, says that the specification has the same defect.
//
// # Shared mutants
//
// P2 holds every verdict and every record of package fsm against models/spec, so it
// finds whatever changes one of them, and hides what the other properties are worth.
// They are for what P2 cannot see: a rule that was misread by whoever wrote the machine
// and the specification. A shared mutant is such a misreading. Its edits change
// models/spec as they change fsm, the two agree, and only a property that knows the
// rule from elsewhere finds it.
//
// Beside these, [Generate] makes small changes all over the same code, [Sample] chooses
// some of them by a seed, and [Together] makes one program of many; notes.txt says which
// are equivalent to the system, and of those that survive what finds them next.
//
// The package knows neither engines nor judges.
package mutation
