// Package distributedtask is the task manager under the one import path that
// users of Weaviate's cluster/distributedtask know: everything the reference's
// package page lists for v1.38.0-rc.0, and nothing else. Who uses that page
// changes one import path.
//
// It holds names only. The state machine stands in dtsim/fsm, what runs on each
// node in dtsim/sched; their package comments list where behaviour deviates from
// the reference. A test compares this package with a transcript of the page.
package distributedtask
