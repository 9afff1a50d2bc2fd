package cli

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"dtsim/models/explore"
	"dtsim/reports/schema"
)

func searchWords(o explore.Options) string {
	words := []string{"breadth first"}
	if o.DepthFirst {
		words = []string{"depth first"}
	}
	if o.Exact {
		words = append(words, "whole states")
	} else {
		words = append(words, "64-bit fingerprints")
	}
	if o.Symmetry {
		words = append(words, "symmetry reduction")
	}
	if o.Reduction {
		words = append(words, "commuting actions reduced")
	}
	if o.Liveness {
		words = append(words, "liveness")
	}
	return strings.Join(words, ", ")
}

// words prints the summary.
func (d *verification) words(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(w, "%s: %s\n\n", d.Config, d.Summary)
	cores := "1 core"
	if d.Jobs != 1 {
		cores = fmt.Sprintf("%d cores", d.Jobs)
	}
	line("search", "%s, %s", d.Search, cores)
	if d.Walk != nil {
		line("steps", "%s in %s runs, the longest of %s", grouped(d.Transitions), grouped(d.Walk.Runs), grouped(uint64(d.Depth)))
		line("states", "%s distinct; lately %s", grouped(d.States), freshWords(d.Walk.Fresh))
	} else {
		line("states", "%s distinct, %s generated, %s without a next one", grouped(d.States), grouped(d.Transitions), grouped(d.Dead))
		line("depth", "%s", grouped(uint64(d.Depth)))
	}
	line("rate", "%s generated a second, in %.1f s", short(d.TransitionsPerS), d.WallS)
	line("memory", "%s", d.memory())
	if d.reduced {
		line("reduction", "%s states were expanded in part; %s pairs of actions were run in both orders", grouped(d.Reduced), grouped(d.Audited))
	}
	if l := d.Liveness; l != nil {
		line("liveness", "%s settled states; %s unsettled components with a cycle, the largest of %s states", grouped(l.Settled), grouped(l.Components), grouped(l.Largest))
	}
	switch {
	case d.Walk != nil:
	case d.exact:
		line("omission", "impossible: whole states were compared")
	default:
		line("omission", "probability at most %.1e, n(n-1)/2 pairs of states that are mixed up with 2^-64 each", d.Omission)
	}
	fmt.Fprintln(w)
	for _, v := range d.Violations {
		printViolation(w, v)
	}
	fmt.Fprintln(w, d.verdict())
}

func (d *verification) memory() string {
	words := fmt.Sprintf("%.1f bytes a state: %s for what was visited", d.BytesPerState, memoryWords(d.VisitedBytes))
	if d.Walk == nil {
		words += fmt.Sprintf(", %s at most for what waits", memoryWords(d.FrontierBytes))
	}
	if d.ModelBytes > 0 {
		words += fmt.Sprintf(", %s kept by the model", memoryWords(d.ModelBytes))
	}
	return words
}

func (d *verification) verdict() string {
	properties := strings.Join(d.Properties, ", ")
	switch {
	case len(d.Violations) > 0 && d.Walk != nil:
		return "Violated."
	case len(d.Violations) > 0 && d.Exhausted:
		return "Violated; every state was visited."
	case len(d.Violations) > 0:
		return "Violated; the search ended there, so there may be more states."
	case d.Exhausted:
		return "Passed: every state was visited, and no violation was found of " + properties + "."
	case d.Bound == string(explore.Interrupted):
		return "Interrupted before everything was seen. Nothing seen so far breaks " + properties + "."
	case d.Bound == string(explore.Constraint):
		return fmt.Sprintf("Every state within the constraint was visited; it is not exhausted beyond it: %s states outside were checked and not expanded. Nothing seen breaks %s.", grouped(d.Cut), properties)
	case d.Bound != string(explore.Unbounded):
		return fmt.Sprintf("The bound on %s was hit before everything was seen. Nothing seen so far breaks %s.", d.Bound, properties)
	}
	return "Passed on every step taken, which is not every one there is: " + properties + "."
}

func printViolation(w io.Writer, v schema.CheckViolation) {
	fmt.Fprintf(w, "%s: %s\n\n", v.Property, v.Message)
	printSteps(w, v.Steps, v.Loop)
	fmt.Fprintf(w, "\nkept in %s\nreplay  %s\n\n", v.Trace, v.Replay)
}

func printSteps(w io.Writer, steps []schema.Step, loop int) {
	width := len(strconv.Itoa(len(steps)))
	for i, s := range steps {
		if i+1 == loop {
			fmt.Fprintf(w, "  %*s  the loop begins\n", width, "")
		}
		fmt.Fprintf(w, "  %*d  %s\n", width, i+1, s.Action)
		for _, c := range s.Changed {
			fmt.Fprintf(w, "  %*s      %s: %s\n", width, "", c.Name, difference(c.Before, c.After))
		}
	}
	if loop > 0 {
		fmt.Fprintf(w, "  %*s  and again from step %d\n", width, "", loop)
	}
}

func snapshotWords(s explore.Snapshot) string {
	if s.Doing != "" {
		return fmt.Sprintf("%s states, %s generated; %s", short(float64(s.States)), short(float64(s.Transitions)), s.Doing)
	}
	left := "unknown how many are left"
	if s.Left >= 0 {
		left = "about " + short(s.Left) + " more states"
	}
	return fmt.Sprintf("%s states, %s generated (%s/s), depth %d, %s waiting, %s, %s",
		short(float64(s.States)), short(float64(s.Transitions)), short(s.Rate), s.Depth, short(float64(s.Waiting)), memoryWords(s.Memory), left)
}

func freshWords(share float64) string {
	if share <= 0 {
		return "no step led to a new one"
	}
	return "one step in " + grouped(uint64(math.Round(1/share))) + " led to a new one"
}
