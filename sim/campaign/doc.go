// Package campaign executes many runs and says what came of them.
//
// It asks an engine for each run, in any order and several at once, and puts the
// outcomes in seed order; so everything a campaign says, its hash above all, is
// independent of how many workers there were. A violation is believed only after
// a second run of the same plan gave the same trace byte for byte; a run that
// differs from its own repetition is a fault of the harness, never of the system
// under test.
//
// The package knows neither flags nor terminals; see packages cli, summary and
// progress for those.
package campaign
