// Package schema holds what the commands print with --json, as Go types, and reads it
// again.
//
// A page of many runs is made of such a document and of nothing else, so whoever kept
// one can have its page, from any build that knows its keys. Keys are stable: they may be
// joined by new ones, and keep their meaning. Times are in seconds; virtual_s is time
// inside of a simulation, wall_s and cpu_s are what it cost.
//
// The package knows no command, and nothing of how a document is made or shown.
package schema
