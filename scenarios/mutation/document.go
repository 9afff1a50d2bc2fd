package mutation

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dtsim/reports/schema"
	"dtsim/sim/campaign"
)

// Head is how a measurement was made.
type Head struct {
	// Command is the command line, Machine describes the machine.
	Command, Machine string
	// Budget is how long a detector may examine a mutant, Repetitions how often.
	Budget      time.Duration
	Repetitions int
	// Detectors are the names of those that were tried.
	Detectors []string
}

// NewDocument makes the document of a table.
func NewDocument(head Head, rows []Row) schema.Mutants {
	d := schema.Mutants{
		Command: head.Command, Machine: head.Machine, BudgetS: head.Budget.Seconds(), Repetitions: head.Repetitions, Detectors: head.Detectors,
		Unmutated: map[string]schema.Kill{}, Found: []schema.Finding{}, Mutants: []schema.Mutant{}, Worth: []schema.Worth{},
	}
	for _, row := range rows {
		if row.Subject.Mutant == nil {
			d.Unmutated, d.Found = row.unmutated()
		} else {
			d.Mutants = append(d.Mutants, row.document())
		}
	}
	for _, w := range Vacuity(rows) {
		d.Worth = append(d.Worth, schema.Worth{
			Property: w.Property, Catches: append([]string{}, w.Catches...), Alone: append([]string{}, w.Alone...),
		})
	}
	return d
}

// unmutated returns what detectors spent on the unmutated system and what they found.
func (r Row) unmutated() (spent map[string]schema.Kill, found []schema.Finding) {
	spent, found = map[string]schema.Kill{}, []schema.Finding{}
	for _, c := range r.Cells {
		if len(c.Records) > 0 {
			spent[c.Detector] = r.kill(c)
		}
		if err := c.Err(); err != nil {
			found = append(found, schema.Finding{Detector: c.Detector, Property: HarnessError, Message: err.Error()})
		}
		for _, record := range c.Records {
			if record.Killed() {
				found = append(found, schema.Finding{Detector: c.Detector, Property: record.Property, Message: record.Message, Where: record.Where})
			}
		}
	}
	return spent, found
}

func (r Row) document() schema.Mutant {
	m := schema.Mutant{
		Name: r.Subject.Name(), Properties: r.Subject.Mutant.Breaks, Killed: r.Killed(),
		Kills: map[string]schema.Kill{}, Survived: map[string]schema.Kill{}, Skipped: map[string]string{}, Failed: map[string]string{},
	}
	m.Fired, m.Alone = r.caughtBy()
	for _, c := range r.Cells {
		switch {
		case c.Skipped() != "":
			m.Skipped[c.Detector] = c.Skipped()
		case c.Err() != nil:
			m.Failed[c.Detector] = c.Err().Error()
		case c.Kills() > 0:
			m.Kills[c.Detector] = r.kill(c)
		default:
			m.Survived[c.Detector] = r.kill(c)
		}
	}
	return m
}

// kill describes a cell.
func (r Row) kill(c Cell) schema.Kill {
	k := schema.Kill{
		Runs: c.Runs(), WallS: c.Wall().Seconds(), Kills: c.Kills(), Tries: len(c.Records),
		Properties: append([]string{}, c.Properties()...), Unexpected: append([]string{}, r.Unexpected(c)...),
	}
	_, k.Violating = c.Fired()
	counts := map[string]int{}
	for _, r := range c.Records {
		if !r.Killed() {
			continue
		}
		if counts[r.Property]++; counts[r.Property] > counts[k.Property] {
			k.Property, k.Where = r.Property, r.Where
		}
	}
	return k
}

// Write writes the table to a file, whose folder it makes, and the document to a file with
// the same name but .json.
func Write(table string, d schema.Mutants) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(table), 0o755)
	}
	if err == nil {
		err = campaign.WriteFile(jsonOf(table), append(text, '\n'))
	}
	if err == nil {
		err = campaign.WriteFile(table, []byte(Markdown(d)))
	}
	if err != nil {
		return fmt.Errorf("the results of mutants: %w", err)
	}
	return nil
}

// jsonOf returns the name of the document of a table.
func jsonOf(table string) string { return strings.TrimSuffix(table, filepath.Ext(table)) + ".json" }
