package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dtsim/reports/schema"
	"dtsim/scenarios/property"
	"dtsim/sim/coverage"
	"dtsim/sim/trace"
)

// Suite is a list of related cases.
type Suite struct {
	Name string
	// Seconds is the wall time of all cases, 0 for unknown.
	Seconds float64
	// Facts describe the suite, in order.
	Facts []Fact
	Cases []Case
}

// Fact is a name and a value.
type Fact struct{ Name, Value string }

// Outcome is the result of a case.
type Outcome int

// The outcomes of a case.
const (
	Passed Outcome = iota
	// Skipped is a case that was not checked; the message has the reason.
	Skipped
	// Failed is a case that violates something.
	Failed
	// HarnessError is a case without a verdict, because of the harness.
	HarnessError
	// Inconclusive is a case whose check did not come to its end.
	Inconclusive
)

// String returns the outcome as text.
func (o Outcome) String() string {
	return [...]string{"passed", "skipped", "failed", "harness error", "inconclusive"}[o]
}

// Case is a case of a suite.
type Case struct {
	Name    string
	Seconds float64
	Outcome Outcome
	// Kind is a word for the failure: a property.
	Kind string
	// Message describes the failure in a line, Text at length, with the command that reproduces
	// it.
	Message, Text string
	// File is the relevant file, relative to the working directory; empty for none.
	File string
}

// CampaignSuites returns a suite for each scenario, with a case for each run: those with a
// verdict, then those with a harness error.
func CampaignSuites(d *schema.Campaign) []Suite {
	var all []Suite
	place := map[string]int{}
	suite := func(name string) *Suite {
		i, ok := place[name]
		if !ok {
			i = len(all)
			place[name] = i
			all = append(all, Suite{Name: name, Facts: []Fact{{"command", d.Command}, {"build", d.Build}}})
		}
		return &all[i]
	}
	for _, s := range d.Scenarios {
		suite(s.Name).Seconds = s.Wall
	}
	type key struct {
		scenario, engine string
		seed             uint64
	}
	left := slices.Clone(d.Violations)
	for _, r := range d.RunHashes {
		c := Case{Name: caseName(r.Scenario, r.Seed, r.Engine, "")}
		left = slices.DeleteFunc(left, func(v schema.Violation) bool {
			if v.Ablation != "" || (key{v.Scenario, v.Engine, v.Seed}) != (key{r.Scenario, r.Engine, r.Seed}) {
				return false
			}
			c.violated(v)
			return true
		})
		s := suite(r.Scenario)
		s.Cases = append(s.Cases, c)
	}
	for _, v := range left { // of runs without a trace, or of ablations
		c := Case{Name: caseName(v.Scenario, v.Seed, v.Engine, v.Ablation)}
		c.violated(v)
		s := suite(v.Scenario)
		s.Cases = append(s.Cases, c)
	}
	for _, f := range d.HarnessFailures {
		line, _, _ := strings.Cut(f.Error, "\n")
		s := suite(f.Scenario)
		s.Cases = append(s.Cases, Case{
			Name: caseName(f.Scenario, f.Seed, f.Engine, f.Ablation), Outcome: HarnessError, Kind: "harness", Message: line, Text: f.Error, File: f.Folder,
		})
	}
	if missing := d.Asked - d.Runs; missing > 0 {
		all = append(all, Suite{Name: "campaign", Cases: []Case{{
			Name: "all runs that were asked for", Outcome: Inconclusive, Kind: "not run", Message: fmt.Sprintf("%d of %d runs have no verdict", missing, d.Asked),
		}}})
	}
	return all
}

// violated adds a violation to a case, whose message is the first one.
func (c *Case) violated(v schema.Violation) {
	if c.Outcome != Failed {
		c.Outcome, c.Kind, c.Message, c.File = Failed, v.Property, v.Message, v.Plan
	}
	c.Text += v.Property + ": " + v.Message + "\n"
	if v.Replay != "" && !strings.Contains(c.Text, v.Replay) {
		c.Text += v.Replay + "\n"
	}
}

func caseName(scenario string, seed uint64, engine, ablation string) string {
	name := fmt.Sprintf("%s seed %d, %s engine", scenario, seed, engine)
	if ablation != "" {
		name += ", ablation of " + ablation
	}
	return name
}

// RunSuites returns a suite with a case for each property of a run: the violated ones, then
// those of the design, which are skipped if they were never exercised. File is the file of the
// run, replay the command that reproduces it.
func RunSuites(t *trace.Trace, file, replay string) []Suite {
	h := &t.Header
	s := Suite{
		Name:  fmt.Sprintf("%s seed %d", h.Plan.Name, h.Plan.Seed),
		Facts: []Fact{{"engine", h.Engine}, {"build", h.Build}, {"hash", t.Footer.Hash}, {"events", fmt.Sprint(t.Footer.Events)}},
	}
	place := map[string]int{}
	for _, v := range t.Footer.Verdict.Violations {
		i, again := place[v.Property]
		if !again {
			i = len(s.Cases)
			place[v.Property] = i
			s.Cases = append(s.Cases, Case{Name: v.Property, Outcome: Failed, Kind: v.Property, Message: v.Message, File: file})
		}
		where := ""
		if v.Node != "" {
			where = " on " + v.Node
		}
		s.Cases[i].Text += fmt.Sprintf("at %s%s: %s\n", v.At, where, v.Message)
	}
	for i := range s.Cases {
		s.Cases[i].Text += replay + "\n"
	}
	exercised := coverage.NewAccount(t.Footer.Counters, coverage.Catalog{Properties: property.Properties()}).Exercised
	order := property.Properties()
	slices.SortFunc(exercised, func(a, b coverage.Reached) int {
		return cmp.Compare(slices.Index(order, a.Name), slices.Index(order, b.Name))
	})
	for _, property := range exercised {
		if _, violated := place[property.Name]; violated {
			continue
		}
		c := Case{Name: property.Name}
		if property.Count == 0 {
			c.Outcome, c.Message = Skipped, "never exercised in this run"
		}
		s.Cases = append(s.Cases, c)
	}
	if len(s.Cases) == 0 {
		s.Cases = []Case{{Name: "nothing is violated"}}
	}
	return []Suite{s}
}

// CheckSuites returns a suite with a case for each property of a search. If the search was not
// exhausted, properties that are not violated are inconclusive.
func CheckSuites(d *schema.Check) []Suite {
	s := Suite{Name: d.Config, Seconds: d.WallS, Facts: []Fact{
		{"search", d.Search}, {"states", fmt.Sprint(d.States)}, {"transitions", fmt.Sprint(d.Transitions)}, {"depth", fmt.Sprint(d.Depth)},
	}}
	done := map[string]bool{}
	for _, v := range d.Violations {
		done[v.Property] = true
		c := Case{Name: v.Property, Outcome: Failed, Kind: v.Property, Message: v.Message, File: v.Trace}
		for i, step := range v.Steps {
			c.Text += fmt.Sprintf("%d. %s\n", i+1, step.Action)
		}
		c.Text += v.Replay + "\n"
		s.Cases = append(s.Cases, c)
	}
	for _, id := range d.Properties {
		if done[id] {
			continue
		}
		c := Case{Name: id}
		switch {
		case d.Exhausted, d.Walk != nil && d.Walk.Complete:
		case len(d.Violations) > 0:
			c.Outcome, c.Message = Skipped, "the search ended with a violation of another property"
		default:
			c.Outcome, c.Kind, c.Message = Inconclusive, "bound", fmt.Sprintf("the search ended before all states were visited (%s)", d.Bound)
		}
		s.Cases = append(s.Cases, c)
	}
	return []Suite{s}
}

// MutantSuites returns a suite for each detector, with a case for each mutant, and one for what
// was found in the unmutated system.
func MutantSuites(d *schema.Mutants) []Suite {
	var all []Suite
	for _, detector := range d.DetectorNames() {
		s := Suite{Name: detector}
		for _, m := range d.Mutants {
			c := Case{Name: m.Name}
			if k, ok := m.Kills[detector]; ok {
				c.Seconds = k.WallS
				if k.Kills < k.Tries {
					c.Outcome, c.Kind, c.Message = Failed, "survives", fmt.Sprintf("killed in %d of %d", k.Kills, k.Tries)
				}
			} else if k, ok := m.Survived[detector]; ok {
				c.Seconds, c.Outcome, c.Kind = k.WallS, Failed, "survives"
				c.Message = fmt.Sprintf("%s does not kill it; it breaks %s", detector, strings.Join(m.Properties, " "))
			} else if why := m.Failed[detector]; why != "" {
				c.Outcome, c.Kind, c.Message = HarnessError, "detector", why
			} else {
				c.Outcome, c.Message = Skipped, m.Skipped[detector]
			}
			s.Seconds += c.Seconds
			s.Cases = append(s.Cases, c)
		}
		all = append(all, s)
	}
	unmutated := Suite{Name: "the unmutated system"}
	for _, f := range d.Found {
		unmutated.Cases = append(unmutated.Cases, Case{Name: f.Detector + " " + f.Property, Outcome: Failed, Kind: f.Property, Message: f.Message, Text: f.Where})
	}
	if len(unmutated.Cases) == 0 {
		unmutated.Cases = []Case{{Name: "nothing is found"}}
	}
	return append(all, unmutated)
}
