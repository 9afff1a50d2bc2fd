// Package campaign executes many runs of an application and collects their outcomes.
//
// It asks an engine for each run, in any order and several at once, and puts the outcomes in
// seed order, so that the result of a campaign, its hash above all, is independent of the
// number of workers. A violation counts only after a second run of the same plan has given
// the same trace byte for byte; a run that differs from its repetition is a failure of the
// harness, never of the system under test.
//
// [Execute] runs a campaign, [Collector] shrinks what it found into distinct failures,
// [Comparison] is a replay. An [Archive] keeps runs, a [Journal] the outcomes
// of a campaign that may be interrupted. What depends on the system under test is in an
// [Application].
//
// The package knows neither flags nor terminals, and no application.
package campaign
