// Package shiviz writes a run as a log of ShiViz (https://bestchai.bitbucket.io/shiviz),
// which draws events by what can have led to what.
//
// The first line is the expression that ShiViz is to read the others with, the second
// one, which would tell runs apart, is empty; each line behind them is an event: the
// host, its vector clock, the time and the event in words.
//
// Its invariant: the clocks are those of the events that are written. A host's own
// component counts its lines from 1, and nobody knows of a line that is not there.
package shiviz

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"dtsim/reports/timeline"
	"dtsim/sim/trace"
)

// Parser is the expression that ShiViz reads the log with.
const Parser = `(?<host>\S+) (?<clock>\{[^}]*\}) (?<event>.*)`

// Harness is the host of what no node does; a node of that name is called otherwise.
const Harness = "harness"

// quiet are the kinds of events that are left out unless all are asked for: what passes
// between nodes is in the clocks, and the others say nothing of who led whom.
var quiet = []trace.Kind{
	trace.MessageSent, trace.MessageLost, trace.FileWritten, trace.FileRenamed, trace.FileRemoved, trace.SnapshotReread,
	trace.SnapshotTaken, trace.SnapshotStored, trace.Replayed, trace.AtRest, trace.Proposed, trace.Listed,
}

// Write writes a run. Of most runs a picture of all events shows nothing, so messages,
// files and the like are left out unless all is true.
func Write(w io.Writer, s *timeline.Timeline, all bool) error {
	hosts := hostsOf(s)
	// kept[h][n] is how many of the first n events of a host are written.
	kept := make([][]int, len(hosts))
	for h := range kept {
		kept[h] = []int{0}
	}
	lanes := make([]int, len(s.Trace.Events))
	for i := range s.Trace.Events {
		e := &s.Trace.Events[i]
		h, ok := s.Lane(e.Node)
		if !ok {
			h = len(hosts) - 1
		}
		lanes[i] = h
		n := kept[h][len(kept[h])-1]
		if all || !slices.Contains(quiet, e.Kind) {
			n++
		}
		kept[h] = append(kept[h], n)
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n\n", Parser)
	teller := s.Describer()
	seen := make([]int, len(hosts))
	var line []byte
	for i := range s.Trace.Events {
		e := &s.Trace.Events[i]
		h := lanes[i]
		clock := s.Clock(e.Seq)
		if seen[h]++; kept[h][seen[h]] == kept[h][seen[h]-1] {
			continue
		}
		line = append(append(line[:0], hosts[h]...), " {"...)
		first := true
		for other, n := range clock {
			if n := kept[other][n]; n > 0 {
				if !first {
					line = append(line, ", "...)
				}
				line = append(strconv.AppendQuote(line, hosts[other]), ": "...)
				line = strconv.AppendInt(line, int64(n), 10)
				first = false
			}
		}
		line = append(line, "} "...)
		if _, err := fmt.Fprintf(b, "%s%s %s\n", line, e.At, timeline.Visible(teller.Event(e))); err != nil {
			return err
		}
	}
	return b.Flush()
}

// hostsOf are the names of the lanes and, last, of the harness: one word each, no two
// alike.
func hostsOf(s *timeline.Timeline) []string {
	var hosts []string
	for _, l := range s.Lanes {
		hosts = append(hosts, host(l.Name))
	}
	return append(hosts, Harness)
}

// host makes one word of a name, that no other name becomes.
func host(name string) string {
	if name == Harness {
		return "%" + fmt.Sprintf("%02X", name[0]) + name[1:]
	}
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.#", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
