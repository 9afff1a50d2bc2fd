// Package replay compares a run with one that should be the same.
package replay

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"dtsim/cmd/dtsim/internal/campaign"
	"dtsim/sim/trace"
)

// Comparison is a run beside the one it repeats.
type Comparison struct {
	// Past is the run that should have been repeated, Again its repetition.
	Past, Again campaign.Recorded
}

// comparable reports whether both runs are the same function of the same input,
// so that anything but the same trace is a bug of the harness.
func (c Comparison) comparable() bool {
	return c.Past.Header.Engine == c.Again.Header.Engine && c.Past.Header.Build == c.Again.Header.Build
}

// Identical reports whether both runs left the same trace.
func (c Comparison) Identical() bool { return c.Past.Footer.Hash == c.Again.Footer.Hash }

// sameVerdict reports whether both runs violate the same properties.
func (c Comparison) sameVerdict() bool {
	return verdict(c.Past.Footer) == verdict(c.Again.Footer)
}

// nondeterministic reports whether the harness is to blame for a difference.
func (c Comparison) nondeterministic() bool {
	return c.comparable() && !(c.Identical() && c.sameVerdict())
}

// Status is the exit status: 3 when two runs that must be equal differ, else that
// of the repetition's verdict.
func (c Comparison) Status() int {
	switch {
	case c.nondeterministic():
		return 3
	case !c.Again.Footer.Verdict.Passed:
		return 1
	default:
		return 0
	}
}

// Document is what `dtsim replay --json` prints.
type Document struct {
	Hash         string `json:"hash"`
	ExpectedHash string `json:"expected_hash"`
	Identical    bool   `json:"identical"`
	// Verdict is "held" or "violated"; Property is the first violated one, or empty.
	Verdict         string `json:"verdict"`
	Property        string `json:"property"`
	ExpectedVerdict string `json:"expected_verdict"`
	Engine          string `json:"engine"`
	Build           string `json:"build"`
	ExpectedEngine  string `json:"expected_engine"`
	ExpectedBuild   string `json:"expected_build"`
}

// Document describes c.
func (c Comparison) Document() Document {
	word := func(f trace.Footer) string {
		if f.Verdict.Passed {
			return campaign.Held.String()
		}
		return campaign.Violated.String()
	}
	d := Document{
		Hash: c.Again.Footer.Hash, ExpectedHash: c.Past.Footer.Hash, Identical: c.Identical(),
		Verdict: word(c.Again.Footer), ExpectedVerdict: word(c.Past.Footer),
		Engine: c.Again.Header.Engine, Build: c.Again.Header.Build,
		ExpectedEngine: c.Past.Header.Engine, ExpectedBuild: c.Past.Header.Build,
	}
	if found := c.Again.Footer.Verdict.Violations; len(found) > 0 {
		d.Property = found[0].Property
	}
	return d
}

// Words prints c for people.
func (c Comparison) Words(w io.Writer) {
	line := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	p := c.Again.Header.Plan
	nodes := fmt.Sprintf("%d nodes", p.Cluster.Nodes)
	if p.Cluster.Nodes == 1 {
		nodes = "1 node"
	}
	line("plan      %s, seed %d, %s, %s of virtual time", p.Name, p.Seed, nodes, c.Again.Footer.VirtualTime)
	line("engine    %s, entropy %d, build %s", c.Again.Header.Engine, c.Again.Header.Entropy, orNone(c.Again.Header.Build))
	line("expected  %s  %s", c.Past.Footer.Hash, verdict(c.Past.Footer))
	line("replayed  %s  %s", c.Again.Footer.Hash, verdict(c.Again.Footer))
	line("%s", c.conclusion())
	for _, v := range c.Again.Footer.Verdict.Violations {
		where := ""
		if v.Node != "" {
			where = " on " + v.Node
		}
		line("  %s at %s%s: %s", v.Property, v.At, where, v.Message)
	}
}

// conclusion is one line that says what the comparison means.
func (c Comparison) conclusion() string {
	switch {
	case c.nondeterministic() && c.Identical():
		return "the traces are identical, but not their verdicts: an edited file, or a bug of the harness"
	case c.nondeterministic():
		return "nondeterminism, a bug of the harness: " + c.difference()
	case c.Identical():
		return "identical"
	}
	var why []string
	if c.Past.Header.Engine != c.Again.Header.Engine {
		why = append(why, fmt.Sprintf("the engine differs (%s then, %s now)", orNone(c.Past.Header.Engine), c.Again.Header.Engine))
	}
	if c.Past.Header.Build != c.Again.Header.Build {
		why = append(why, fmt.Sprintf("the build differs (%s then, %s now)", orNone(c.Past.Header.Build), orNone(c.Again.Header.Build)))
	}
	words := strings.Join(why, " and ") + ", so the hashes say nothing; "
	if c.sameVerdict() {
		return words + "the verdict is the same"
	}
	return words + "the verdict is another one"
}

// difference says where two traces part, when both are at hand.
func (c Comparison) difference() string {
	if len(c.Past.Trace) == 0 || len(c.Again.Trace) == 0 {
		return "the same run gave two traces"
	}
	return trace.Diverge(c.Past.Trace, c.Again.Trace).String()
}

// verdict is "held", or "violated" with the properties in the order of violation.
func verdict(f trace.Footer) string {
	if f.Verdict.Passed {
		return campaign.Held.String()
	}
	ids := campaign.Outcome{Violations: f.Verdict.Violations}.Properties()
	return campaign.Violated.String() + " " + strings.Join(ids, " ")
}

func orNone(s string) string { return cmp.Or(s, "none") }
