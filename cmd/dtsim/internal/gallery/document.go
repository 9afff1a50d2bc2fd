package gallery

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dtsim/cmd/dtsim/internal/archive"
	"dtsim/reports/schema"
)

// Head is what results say about themselves.
type Head struct {
	// Command is what was typed, Machine where.
	Command, Machine string
	// Budget is how long a judge may look at a mutant, Repetitions how often.
	Budget      time.Duration
	Repetitions int
	// Judges are those who looked.
	Judges []string
}

// NewDocument makes the document of a table.
func NewDocument(head Head, rows []Row) schema.Mutants {
	d := schema.Mutants{
		Command: head.Command, Machine: head.Machine, BudgetS: head.Budget.Seconds(), Repetitions: head.Repetitions, Judges: head.Judges,
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

// unmutated says what judges spent on the system as it is, and what they came to.
func (r Row) unmutated() (spent map[string]schema.Kill, found []schema.Finding) {
	spent, found = map[string]schema.Kill{}, []schema.Finding{}
	for _, c := range r.Cells {
		if len(c.Records) > 0 {
			spent[c.Judge] = r.kill(c)
		}
		if err := c.Err(); err != nil {
			found = append(found, schema.Finding{Judge: c.Judge, Property: broken, Message: err.Error()})
		}
		for _, record := range c.Records {
			if record.Killed() {
				found = append(found, schema.Finding{Judge: c.Judge, Property: record.Property, Message: record.Message, Where: record.Where})
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
			m.Skipped[c.Judge] = c.Skipped()
		case c.Err() != nil:
			m.Failed[c.Judge] = c.Err().Error()
		case c.Kills() > 0:
			m.Kills[c.Judge] = r.kill(c)
		default:
			m.Survived[c.Judge] = r.kill(c)
		}
	}
	return m
}

// kill says what a cell took.
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

// Write keeps results: the table in a file, whose folder is made, and the document in one
// beside it.
func Write(table string, d schema.Mutants) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(table), 0o755)
	}
	if err == nil {
		err = archive.WriteFile(beside(table), append(text, '\n'))
	}
	if err == nil {
		err = archive.WriteFile(table, []byte(Markdown(d)))
	}
	if err != nil {
		return fmt.Errorf("the results of mutants: %w", err)
	}
	return nil
}

// Read reads the document beside a table.
func Read(table string) (*schema.Mutants, error) {
	text, err := os.ReadFile(beside(table))
	if err != nil {
		return nil, err
	}
	read, err := schema.Read(text)
	d, ok := read.(*schema.Mutants)
	if err == nil && !ok {
		err = schema.ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", beside(table), err)
	}
	return d, nil
}

// beside is the name of the document of a table.
func beside(table string) string { return strings.TrimSuffix(table, filepath.Ext(table)) + ".json" }
