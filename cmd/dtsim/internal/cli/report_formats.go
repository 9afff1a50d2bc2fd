package cli

import (
	"cmp"
	"fmt"
	"io"

	"dtsim/reports/export"
	"dtsim/sim/campaign"
)

// render writes subjects in the reporter's format.
func (r *reporter) render(w io.Writer, subjects []*subject, target string) error {
	first := subjects[0]
	switch r.as.name {
	case "html":
		return r.html(w, first, target)
	case "junit":
		return export.JUnit(w, suitesOf(subjects))
	case "github":
		return export.GitHub(w, suitesOf(subjects))
	case "text":
		return r.text(w, subjects, target == stdout)
	}
	if first.run == nil {
		return badUsage("%s is %s, and %s shows one run; name a trace or the folder of a run", first.path, first.what(), r.as.name)
	}
	tl, err := first.run.timeline(first.path)
	if err != nil {
		return err
	}
	if r.as.name == "shiviz" {
		return export.ShiViz(w, tl)
	}
	return export.Perfetto(w, tl)
}

// text writes runs one column a node, and cases of everything else.
func (r *reporter) text(w io.Writer, subjects []*subject, shown bool) error {
	for i, s := range subjects {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if s.run == nil || s.run.trace == nil {
			if err := export.Text(w, suitesOf([]*subject{s})); err != nil {
				return err
			}
			continue
		}
		tl, err := s.run.timeline(s.path)
		if err != nil {
			return err
		}
		o := export.ColumnOptions{Width: defaultWidth}
		if shown {
			o.Width, o.Color = cmp.Or(r.env.Width, defaultWidth), r.env.Color
		}
		table, err := export.NewColumns(tl, o)
		if err != nil {
			return err
		}
		if err := table.Write(w); err != nil {
			return err
		}
	}
	return nil
}

// suitesOf returns the suites of subjects.
func suitesOf(subjects []*subject) []export.Suite {
	var all []export.Suite
	for _, s := range subjects {
		switch {
		case s.campaign != nil:
			all = append(all, export.CampaignSuites(s.campaign)...)
		case s.check != nil:
			all = append(all, export.CheckSuites(s.check)...)
		case s.mutants != nil:
			all = append(all, export.MutantSuites(s.mutants)...)
		case s.run.trace != nil:
			all = append(all, export.RunSuites(s.run.trace, s.run.file, s.run.replay)...)
		default:
			all = append(all, s.run.untraced())
		}
	}
	return all
}

// untraced returns the suite of a run without a trace: a data race, or a harness error.
func (r *runSubject) untraced() export.Suite {
	c := export.Case{
		Name: "the run ends", Outcome: export.HarnessError, Kind: "harness", Message: firstLine(r.words), Text: r.words + "\n" + r.replay, File: r.file,
	}
	if r.verdict.Verdict != "none" {
		c.Name, c.Outcome, c.Kind = campaign.Race, export.Failed, campaign.Race
	}
	return export.Suite{Name: fmt.Sprintf("%s seed %d", r.verdict.Scenario, r.verdict.Seed), Cases: []export.Case{c}}
}
