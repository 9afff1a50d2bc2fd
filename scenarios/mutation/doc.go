// Package mutation measures the harness: which planted defects of the task manager do its
// detectors find, and how fast.
//
// # Mutants
//
// A mutant is a file mutants/NAME.mutant: what is wrong, where the defect is known from,
// which properties it breaks, and the edit that plants it. Mutants are compiled with the Go
// toolchain's -overlay (package sim/engine/build); the shipped sources carry no trace of
// them. The format, by example:
//
//	A task is finished by the first node that finalizes, before the others have swapped.
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
// First stands prose, then fields, one a line, then edits by file. The text of every edit
// must stand exactly once in its file; a mutant whose edit does not is an error that names
// it, so that no mutant is lost when the code moves on. Edits of one file are applied one
// after the other.
//
//   - known is where the defect is known from.
//   - breaks are the properties that the mutant may be found by; being found by another is
//     no kill.
//   - explore is "yes" if the model checker has to find it, or "no, " and the reason.
//   - sim, "no, " and the reason, excepts simulation in the same way.
//   - shared, "yes", means that the specification has the same defect.
//
// P2 compares every verdict and every record of package fsm with models/spec, so it finds
// whatever changes one of them, and hides what the other properties are worth. Shared
// mutants are for what P2 cannot see: a rule that was misread both in the machine and in
// the specification. Their edits change models/spec as they change fsm, so that only a
// property that knows the rule from elsewhere finds them.
//
// Beside these, [Generate] makes small changes all over the same code, [Choose] takes a
// sample of them by a seed, and [Together] makes one program of many. mutants/notes.txt
// lists which are equivalent to the system, and what would find the survivors.
//
// # Detectors
//
// Every [Detector] is tried on every mutant: simulation, the model checker, the packages'
// own tests. A mutant is killed by a detector that finds a violation of one of the
// properties that the mutant breaks; a violation of another property and a failure of the
// harness are no kill. On the unmutated system the same detectors must find nothing.
//
// # What a property is worth
//
// A property that only finds what others find as well is worth nothing. Therefore the
// simulation does not stop at the first kill. In the first repetition it goes on with the
// next seeds until [Convincing] runs of the mutant have violated a property, or the
// budget is spent, and it records every property that each run violates. A property
// catches a mutant *alone* if at least so many runs violated it, none of them violated
// another one, and no other detector that names properties saw another one. Then the mutant
// would survive without that property, as far as so many runs can show. A data race counts
// like a property; promises of a plan and failures of the harness do not. The model checker
// stops at the first violation of a configuration.
//
// The package knows neither flags nor terminals.
package mutation
