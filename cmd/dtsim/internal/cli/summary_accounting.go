package cli

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"dtsim/reports/schema"
	"dtsim/scenarios/goals"
	"dtsim/scenarios/property"
	"dtsim/sim/campaign"
	"dtsim/sim/coverage"
)

// accounting prints what the campaign did and did not do. Where no fault was asked for,
// most situations cannot come about; then those that did not are only counted.
func (p printer) accounting(r campaign.Result) {
	a := coverage.NewAccount(campaign.Sum("", r.Asked).Counters, goals.Catalog(property.Properties()))
	if len(a.Faults) > 0 {
		p.faults(a)
	}
	p.sometimes(a, len(a.Faults) > 0)
	p.untried(a)
	p.list("exercised", a.Exercised)
	p.list("unfinished, and waived", a.Waived)
}

// list prints names with their counts on one line, if there are any.
func (p printer) list(what string, list []coverage.Reached) {
	if len(list) == 0 {
		return
	}
	var words []string
	for _, one := range list {
		words = append(words, fmt.Sprintf("%s %d", one.Name, one.Count))
	}
	p.line("\n%s: %s", what, strings.Join(words, ", "))
}

// faults prints the table of faults and of the states in which they were activated.
func (p printer) faults(a coverage.Account) {
	columns := []any{"fault", "asked", "applied", "effective", "differed", "activations"}
	for _, state := range goals.States() {
		columns = append(columns, state)
	}
	t := newTable(columns...)
	var right []table.ColumnConfig
	for n := 2; n <= len(columns); n++ {
		right = append(right, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	for _, f := range a.Faults {
		row := table.Row{f.Kind, f.Asked, f.Applied, f.Effective, differed(f.Ablation), f.Activated}
		for _, state := range goals.States() {
			if n := f.States[state]; n > 0 {
				row = append(row, n)
			} else {
				row = append(row, "")
			}
		}
		t.AppendRow(row)
	}
	p.line("\n%s", t.Render())
	if w := a.Ablation(); w.Runs > 0 {
		p.line("ablation: %s repeated without an activated fault: %d decided differently (\"differed\"); by their traces %d would (\"effective\"), which is right in %d",
			count(int(w.Runs), "run"), w.Differed, w.Predicted, w.Agreed)
	}
}

// differed returns how many of the ablations decided differently.
func differed(r coverage.Reruns) string {
	if r.Runs == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d", r.Differed, r.Runs)
}

// sometimes prints the situations that were reached, after those that were not.
func (p printer) sometimes(a coverage.Account, zeros bool) {
	missed := len(a.Missed())
	p.line("\n%d of %d situations of interest were reached", len(a.Sometimes)-missed, len(a.Sometimes))
	list := a.Sometimes
	if !zeros {
		list = list[missed:]
	}
	if len(list) == 0 {
		return
	}
	t := newTable("times", "situation")
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 1, Align: text.AlignRight, AlignHeader: text.AlignRight}})
	for _, s := range list {
		t.AppendRow(table.Row{s.Count, s.Name})
	}
	p.line("%s", t.Render())
}

// untried prints how much was never tried, and the worst of it.
func (p printer) untried(a coverage.Account) {
	if missed := a.Untried(); len(missed) > 0 {
		p.line("\nnever tried: %d of %d, e.g. %s", len(missed), len(a.Tried), missed[0])
	}
}

// guards summarizes the checks of the harness itself.
func (p printer) guards(r campaign.Result) string {
	var words []string
	passed := 0
	for _, o := range r.Controls {
		if o.State == campaign.Passed {
			passed++
		}
	}
	if len(r.Controls) > 0 && passed == len(r.Controls) {
		words = append(words, "the planted violation was found, the control passed")
	}
	if n := r.Twice(); n > 0 {
		words = append(words, count(n, "run")+" made twice: identical")
	}
	return strings.Join(words, "; ")
}

// account puts the accounting into the document.
func account(d *schema.Campaign, total campaign.Group) {
	a := coverage.NewAccount(total.Counters, goals.Catalog(property.Properties()))
	for _, f := range a.Faults {
		d.Faults[f.Kind] = f.Applied
		d.FaultTable[f.Kind] = schema.Fault{
			Asked: f.Asked, Applied: f.Applied, Effective: f.Effective, Activations: f.Activated,
			Reruns: f.Ablation.Runs, Differed: f.Ablation.Differed, ReportedEffective: f.Ablation.Predicted, States: f.States,
		}
	}
	for _, s := range a.Sometimes {
		d.Sometimes[s.Name] = s.Count
	}
	for _, t := range a.Tried {
		d.Tried = append(d.Tried, schema.Tried{Part: t.Part, Of: t.Of, Case: t.Case, Count: t.Count, Accepted: t.Accepted, Unforeseen: t.Unforeseen})
	}
	for _, s := range a.Exercised {
		d.Exercised[s.Name] = s.Count
	}
	for _, s := range a.Waived {
		d.Waived[s.Name] = s.Count
	}
}
