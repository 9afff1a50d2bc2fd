// Package schema declares the documents that the commands print with --json, and reads them.
//
// A page of many runs is made of such a document alone, so a kept document gives its page with
// every build that knows its keys. Keys are stable: new ones may be added, existing ones keep
// their meaning. Times are in seconds; virtual_s is simulated time, wall_s and cpu_s are its
// cost.
//
// The package knows no command, and not how a document is made or shown.
package schema
