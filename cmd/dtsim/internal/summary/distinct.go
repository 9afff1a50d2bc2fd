package summary

import (
	"fmt"
	"strings"

	"dtsim/cmd/dtsim/internal/archive"
	"dtsim/cmd/dtsim/internal/campaign"
)

// distinct says what a failure is, how often it was found, and how to see it again.
func (p printer) distinct(f campaign.Failure) {
	first := f.Outcomes[0]
	more := ""
	if n := len(f.Outcomes) - 1; n > 0 {
		more = fmt.Sprintf(", and %s", count(n, "more run"))
	}
	p.line("")
	p.line("%s: %s engine%s", first.Run, first.Engine, more)
	where := ""
	if f.Violation.Node != "" {
		where = " on " + f.Violation.Node
	}
	p.line("  %s at %s%s: %s", p.paint(campaign.Violated, f.Property), f.Violation.At, where,
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
		p.line("  replay: %s", archive.Command(f.Folder))
	}
}
