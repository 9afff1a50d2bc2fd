// Package export writes runs and documents in the formats of other tools: runs for the
// Perfetto UI, for ShiViz and as columns for a terminal; cases of runs, campaigns, searches and
// mutants as JUnit XML, as annotations of GitHub and as lines of text.
//
// Its one invariant: no text of a run or a document leaves its place. Each format escapes
// names, messages and paths; what a format cannot hold is made visible.
//
// The package reads no file and does not change its input.
package export
