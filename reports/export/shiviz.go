package export

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

// shivizParser is the expression with which ShiViz reads the log.
const shivizParser = `(?<host>\S+) (?<clock>\{[^}]*\}) (?<event>.*)`

// harnessHost is the host of events of no node; a node of that name is escaped.
const harnessHost = "harness"

// shivizHidden are the kinds of events that are left out by default: messages are in the clocks,
// the others do not add to causality.
var shivizHidden = []trace.Kind{
	trace.MessageSent, trace.MessageLost, trace.FileWritten, trace.FileRenamed, trace.FileRemoved, trace.SnapshotReread,
	trace.StoresOpened, trace.LogStored, trace.LogDeleted, trace.StableStored, trace.SnapshotTaken, trace.SnapshotStored, trace.Replayed, trace.AtRest, trace.Proposed, trace.Listed,
}

// ShiViz writes a run as a log of ShiViz (https://bestchai.bitbucket.io/shiviz), which draws
// events by happens-before.
//
// The first line is the expression with which ShiViz reads the others, the second one, which
// would separate runs, is empty; each further line is an event: the host, its vector clock,
// the time and the description. Messages, files and the like are left out.
//
// The clocks are those of the events that are written: a host's own component counts its
// lines from 1, and no clock counts a line that is left out.
func ShiViz(w io.Writer, tl *timeline.Timeline) error { return writeShiViz(w, tl, false) }

// writeShiViz writes a run, with all events if all is true.
func writeShiViz(w io.Writer, tl *timeline.Timeline, all bool) error {
	hosts := shivizHosts(tl)
	// kept[h][n] is the number of written ones among the first n events of a host.
	kept := make([][]int, len(hosts))
	for h := range kept {
		kept[h] = []int{0}
	}
	lanes := make([]int, len(tl.Trace.Events))
	for i := range tl.Trace.Events {
		e := &tl.Trace.Events[i]
		h, ok := tl.Lane(e.Node)
		if !ok {
			h = len(hosts) - 1
		}
		lanes[i] = h
		n := kept[h][len(kept[h])-1]
		if all || !slices.Contains(shivizHidden, e.Kind) {
			n++
		}
		kept[h] = append(kept[h], n)
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n\n", shivizParser)
	describer := tl.Describer()
	passed := make([]int, len(hosts))
	var line []byte
	for i := range tl.Trace.Events {
		e := &tl.Trace.Events[i]
		h := lanes[i]
		clock := tl.Clock(e.Seq)
		if passed[h]++; kept[h][passed[h]] == kept[h][passed[h]-1] {
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
		if _, err := fmt.Fprintf(b, "%s%s %s\n", line, e.At, timeline.Visible(describer.Event(e))); err != nil {
			return err
		}
	}
	return b.Flush()
}

// shivizHosts returns the names of the lanes and, last, of the harness: one word each, all
// distinct.
func shivizHosts(tl *timeline.Timeline) []string {
	var hosts []string
	for _, l := range tl.Lanes {
		hosts = append(hosts, shivizHost(l.Name))
	}
	return append(hosts, harnessHost)
}

// shivizHost returns a word for a name, unique to the name.
func shivizHost(name string) string {
	if name == harnessHost {
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
