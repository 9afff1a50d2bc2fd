package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"dtsim/sim/campaign"
	"dtsim/sim/trace"
)

// ReplayDocument is what `dtsim replay --json` prints.
type ReplayDocument struct {
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

// newReplayDocument describes a comparison.
func newReplayDocument(c campaign.Comparison) ReplayDocument {
	word := func(f trace.Footer) string {
		if f.Verdict.Passed {
			return campaign.Passed.Key()
		}
		return campaign.Violated.Key()
	}
	d := ReplayDocument{
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

// printComparison prints a comparison.
func printComparison(w io.Writer, c campaign.Comparison) {
	line := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	p := c.Again.Header.Plan
	nodes := fmt.Sprintf("%d nodes", p.Cluster.Nodes)
	if p.Cluster.Nodes == 1 {
		nodes = "1 node"
	}
	line("plan      %s, seed %d, %s, %s of virtual time", p.Name, p.Seed, nodes, c.Again.Footer.VirtualTime)
	line("engine    %s, entropy %d, build %s", c.Again.Header.Engine, c.Again.Header.Entropy, orNone(c.Again.Header.Build))
	if profile := c.Again.Header.Profile; profile != "" {
		line("profile   %s", profile)
	}
	line("expected  %s  %s", c.Past.Footer.Hash, footerVerdict(c.Past.Footer))
	line("replayed  %s  %s", c.Again.Footer.Hash, footerVerdict(c.Again.Footer))
	line("%s", conclusion(c))
	for _, v := range c.Again.Footer.Verdict.Violations {
		where := ""
		if v.Node != "" {
			where = " on " + v.Node
		}
		line("  %s at %s%s: %s", v.Property, v.At, where, v.Message)
	}
}

// conclusion returns in one line what a comparison means.
func conclusion(c campaign.Comparison) string {
	switch {
	case c.Nondeterministic() && c.Identical():
		return "the traces are identical, but not their verdicts: an edited file, or a bug of the harness"
	case c.Nondeterministic():
		return "nondeterminism, a bug of the harness: " + c.Difference()
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
	words := strings.Join(why, " and ") + ", so the hashes cannot be compared; "
	if c.SameVerdict() {
		return words + "the verdict is the same"
	}
	return words + "the verdict is another one"
}

// footerVerdict is "held", or "violated" with the properties in the order of violation.
func footerVerdict(f trace.Footer) string {
	if f.Verdict.Passed {
		return campaign.Passed.String()
	}
	ids := campaign.Outcome{Violations: f.Verdict.Violations}.Properties()
	return campaign.Violated.String() + " " + strings.Join(ids, " ")
}

func orNone(s string) string { return cmp.Or(s, "none") }
