package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"dtsim/scenarios/property"
	"dtsim/sim/campaign"
	"dtsim/sim/trace"
)

// summaryHead is what a summary has beyond the result of a campaign.
type summaryHead struct {
	// Command is what was typed.
	Command string
	// Engine executed the asked runs, Second repeated some; empty for none.
	Engine, Second string
	// Seeds are the seeds asked for, "1..3".
	Seeds string
	// Profile is by which runs were judged; nil for that of this repository.
	Profile *property.Profile
	// For is how long runs were begun; zero for until all were done.
	For time.Duration
}

// printSummary prints the summary: a table, what was found, the hash. With
// runs it lists every run's hash, too. Color asks for a terminal's colors.
func printSummary(w io.Writer, head summaryHead, r campaign.Result, runs, color bool) {
	p := printer{w: w, color: color}
	p.scenarios(r)
	if len(r.Distinct) > 0 {
		for _, f := range r.Distinct {
			p.distinct(f)
		}
	} else {
		for _, o := range r.Violated() {
			p.violated(o)
		}
	}
	for _, d := range r.Disagreements() {
		p.line("note: %s: %s under the %s engine, %s under the %s engine: which order the goroutines take decides",
			d.Asked.Run, verdict(d.Asked), d.Asked.Engine, verdict(d.Compared), d.Compared.Engine)
	}
	p.accounting(r)
	p.failures(r.Failures())
	if runs {
		p.runs(r.All())
	}
	p.closing(head, r)
}

type printer struct {
	w     io.Writer
	color bool
}

func (p printer) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

// paint colors a verdict.
func (p printer) paint(s campaign.State, words string) string {
	if !p.color {
		return words
	}
	if s == campaign.Passed {
		return text.FgGreen.Sprint(words)
	}
	return text.FgRed.Sprint(words)
}

// newTable returns an empty table in the house style.
func newTable(columns ...any) table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	style.Options = table.Options{SeparateHeader: true, SeparateFooter: true}
	style.Format.Header, style.Format.Footer = text.FormatUpper, text.FormatDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Color.Header = nil
	t.SetStyle(style)
	t.AppendHeader(columns)
	t.SuppressTrailingSpaces()
	return t
}

// scenarios prints a row for each scenario and one for the whole.
func (p printer) scenarios(r campaign.Result) {
	t := newTable("scenario", "runs", "virtual", "wall", "speed-up", "commands", "messages", "verdict")
	var right []table.ColumnConfig
	for n := 2; n <= 7; n++ {
		right = append(right, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	row := func(name string, g campaign.Group) table.Row {
		return table.Row{name, g.Runs, seconds(g.Virtual), seconds(g.Wall), speedUp(g), commands(g), messages(g), p.paint(g.State(), groupVerdict(g))}
	}
	groups := r.Scenarios()
	for _, g := range groups {
		t.AppendRow(row(g.Scenario, g))
	}
	if len(groups) > 1 {
		t.AppendFooter(row("all", campaign.Sum("all", r.Asked)))
	}
	p.line("%s", t.Render())
}

// violated prints what a run violates and how to reproduce it.
func (p printer) violated(o campaign.Outcome) {
	p.line("")
	p.line("%s: %s engine", o.Run, o.Engine)
	for _, v := range o.Violations[:min(5, len(o.Violations))] {
		where := ""
		if v.Node != "" {
			where = " on " + v.Node
		}
		p.line("  %s at %s%s: %s", p.paint(campaign.Violated, v.Property), v.At, where, v.Message)
	}
	if more := len(o.Violations) - 5; more > 0 {
		p.line("  and %d more", more)
	}
	if o.Folder != "" {
		p.line("  replay: %s", campaign.ReplayCommand(o.Folder))
	}
}

// failures prints what the harness failed at, equal messages once.
func (p printer) failures(failed []campaign.Outcome) {
	var order []string
	where := map[string][]campaign.Outcome{}
	for _, o := range failed {
		words := o.Err.Error()
		if where[words] == nil {
			order = append(order, words)
		}
		where[words] = append(where[words], o)
	}
	const enough = 10
	for i, words := range order {
		if i == enough {
			p.line("\n%d other failures of the harness are not shown", len(order)-enough)
			return
		}
		first, count := where[words][0], len(where[words])
		p.line("")
		more := ""
		if count > 1 {
			more = fmt.Sprintf(", and %d more", count-1)
		}
		p.line("%s: %s%s, %s engine:", p.paint(campaign.HarnessError, "the harness failed"), first.Run, more, first.Engine)
		p.line("  %s", beginning(words))
		if first.Folder != "" && !strings.Contains(words, first.Folder) {
			p.line("  kept in %s", first.Folder)
		}
	}
}

// beginning is the first lines of words, indented.
func beginning(words string) string {
	const enough = 8
	lines := strings.Split(words, "\n")
	if more := len(lines) - enough; more > 1 {
		lines = append(lines[:enough], fmt.Sprintf("... and %d lines more", more))
	}
	return strings.Join(lines, "\n  ")
}

// runs lists every run's hash, in seed order.
func (p printer) runs(outcomes []campaign.Outcome) {
	t := newTable("scenario", "seed", "engine", "verdict", "hash")
	for _, o := range outcomes {
		t.AppendRow(table.Row{o.Run.Name, o.Run.Seed, o.Engine, p.paint(o.State, verdict(o)), o.Hash})
	}
	p.line("\n%s", t.Render())
}

// closing prints how much was done, and the hash.
func (p printer) closing(head summaryHead, r campaign.Result) {
	total := campaign.Sum("", r.Asked)
	p.line("")
	p.line("%s of %s by the %s engine in %s; %s of virtual time, %s",
		count(r.Done(), "run"), count(r.DistinctPlans(), "distinct plan"), head.Engine, seconds(r.Wall), seconds(total.Virtual),
		count(int(total.Events()), "event"))
	if head.Second != "" {
		compared := campaign.Sum("", r.Compared)
		words := "same verdicts"
		if n := len(r.Disagreements()); n > 0 {
			words = fmt.Sprintf("verdicts differ in %d", n)
		}
		if compared.Runs == 0 {
			words = "nothing compared"
		}
		p.line("%s repeated by the %s engine: %s", count(compared.Runs, "run"), head.Second, words)
	}
	if words := p.guards(r); words != "" {
		p.line("%s", words)
	}
	if by := head.Profile; by != nil {
		rules := make([]string, len(by.Omits))
		for i, o := range by.Omits {
			rules[i] = string(o.Rule)
		}
		words := text.WrapSoft(fmt.Sprintf("judged by the profile %s: %s, which does not have these rules: %s", by.Name, by.Contract, strings.Join(rules, ", ")), 100)
		for line := range strings.Lines(words) {
			p.line("%s", strings.TrimSpace(line))
		}
	}
	if missing := r.NotRun(); missing > 0 {
		p.line("%s of %d did not end: this campaign is not complete", count(missing, "run"), len(r.All()))
	}
	if head.For > 0 {
		p.line("as much as fits in %s: seeds %s", head.For, head.Seeds)
	}
	if len(r.Distinct) > 0 {
		p.line("%s", distinctCount(r))
	}
	if hash := r.Hash(); hash != "" {
		p.line("hash %s", hash)
	} else {
		p.line("no hash: %d of %d runs have a verdict", r.Done(), len(r.Asked))
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// verdict is a run's state with what it violates.
func verdict(o campaign.Outcome) string {
	if ids := o.Properties(); len(ids) > 0 {
		return fmt.Sprintf("%s %s", o.State, strings.Join(ids, " "))
	}
	return o.State.String()
}

// groupVerdict returns the verdict of a group: passed, or how many runs did not pass, or
// did not pass without a fault.
func groupVerdict(g campaign.Group) string {
	var parts []string
	if g.Violated > 0 {
		parts = append(parts, fmt.Sprintf("%d violated %s", g.Violated, strings.Join(g.Properties, " ")))
	}
	if g.Ablations > 0 {
		parts = append(parts, fmt.Sprintf("%d violated %s without a fault", g.Ablations, strings.Join(g.AblationProperties, " ")))
	}
	if g.HarnessErrors > 0 {
		parts = append(parts, count(g.HarnessErrors, "harness error"))
	}
	if g.NotRun > 0 {
		parts = append(parts, fmt.Sprintf("%d not run", g.NotRun))
	}
	if len(parts) == 0 {
		return campaign.Passed.String()
	}
	return strings.Join(parts, ", ")
}

// seconds writes a duration with three digits or so.
func seconds(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

// speedUp is virtual time per wall time of the runs.
func speedUp(g campaign.Group) string {
	if g.Wall <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.0fx", float64(g.Virtual)/float64(g.Wall))
}

// commands counts the committed commands, each once, however many replicas applied it.
func commands(g campaign.Group) int64 { return g.Counters[string(trace.Committed)] }

// messages counts the messages that left a node.
func messages(g campaign.Group) int64 { return g.Counters[string(trace.MessageSent)] }
