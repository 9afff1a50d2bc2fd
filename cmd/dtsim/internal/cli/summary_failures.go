package cli

import (
	"fmt"
	"strings"

	"dtsim/sim/campaign"
)

// distinct prints a failure, how often it was found, and how to reproduce it.
func (p printer) distinct(f campaign.Failure) {
	first := f.Outcomes[0]
	more := ""
	if n := len(f.Outcomes) - 1; n > 0 {
		more = fmt.Sprintf(", and %s", count(n, "more run"))
	}
	p.line("")
	p.line("%s: %s engine%s", first.Run, first.Engine, more)
	where := fmt.Sprintf(" at %s", f.Violation.At)
	if f.Violation.Node != "" {
		where += " on " + f.Violation.Node
	}
	if f.Property == campaign.Race {
		where = "" // the detector does not know
	}
	p.line("  %s%s: %s", p.paint(campaign.Violated, f.Property), where,
		strings.ReplaceAll(beginning(f.Violation.Message), "\n", "\n  "))
	if f.Statement != "" {
		p.line("  from %s", f.Before)
		p.line("  to   %s", f.After)
		p.line("  %s", f.Statement)
	} else {
		p.line("  not shrunk")
	}
	if f.Pinned != "" {
		p.line("  %s", f.Pinned)
	}
	if f.Folder != "" {
		p.line("  replay: %s", campaign.ReplayCommand(f.Folder))
	}
}

// distinctCount returns how many failures there are; those that were not shrunk may be the
// same as others.
func distinctCount(r campaign.Result) string {
	words := fmt.Sprintf("%s in %s", count(len(r.Distinct), "distinct failure"), count(len(r.Violated()), "violated run"))
	for _, f := range r.Distinct {
		if f.Statement == "" {
			return "at most " + words
		}
	}
	return words
}
