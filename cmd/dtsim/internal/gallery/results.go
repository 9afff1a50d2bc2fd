package gallery

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dtsim/scenarios/mutants"
)

// Row is what all judges came to with one subject.
type Row struct {
	Subject Subject
	// Cells are by judge, in the order of the judges.
	Cells []Cell
}

// Cell is what one judge came to with one subject, over all repetitions.
type Cell struct {
	Judge string
	// Records are the repetitions, in order; none when the judge did not come to the
	// subject.
	Records []Record
}

// Skipped says why the judge was not asked; empty when it was.
func (c Cell) Skipped() string {
	if len(c.Records) == 0 {
		return "interrupted"
	}
	return c.Records[0].Skipped
}

// Kills counts the repetitions in which the judge killed the subject.
func (c Cell) Kills() int {
	n := 0
	for _, r := range c.Records {
		if r.Killed() {
			n++
		}
	}
	return n
}

// Killed says that the judge killed the subject in every repetition.
func (c Cell) Killed() bool { return len(c.Records) > 0 && c.Kills() == len(c.Records) }

// Err is the first failure of the judge.
func (c Cell) Err() error {
	for _, r := range c.Records {
		if r.Err != nil {
			return r.Err
		}
	}
	return nil
}

// Runs and Wall are the medians to the kill, or of what was spent where there was none.
func (c Cell) Runs() int { return median(c.Records, func(r Record) int { return r.Runs }) }

// Wall is the median time; see Runs.
func (c Cell) Wall() time.Duration {
	return median(c.Records, func(r Record) time.Duration { return r.Wall })
}

// median is the lower one of an even number.
func median[T cmp.Ordered](records []Record, of func(Record) T) T {
	var zero T
	if len(records) == 0 {
		return zero
	}
	var all []T
	for _, r := range records {
		all = append(all, of(r))
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// Properties are those that the judge killed the subject with, sorted.
func (c Cell) Properties() []string {
	found := map[string]bool{}
	for _, r := range c.Records {
		if r.Killed() {
			found[r.Property] = true
		}
	}
	return sorted(found)
}

// Others are the properties that were violated and are not the subject's to break.
func (c Cell) Others() []string {
	found := map[string]bool{}
	for _, r := range c.Records {
		for property := range r.Others {
			found[property] = true
		}
	}
	return sorted(found)
}

// sorted sorts properties by number, and what is none behind them.
func sorted(found map[string]bool) []string {
	number := func(id string) int {
		n := 0
		if _, err := fmt.Sscanf(id, "P%d", &n); err != nil || id != fmt.Sprintf("P%d", n) {
			return 1 << 20
		}
		return n
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a, b))
	})
}

// Killed says that a judge that names properties has killed the subject.
func (r Row) Killed() bool {
	return slices.ContainsFunc(r.Cells, func(c Cell) bool { return c.Judge != unitName && c.Killed() })
}

// Table puts records into rows, a row for every subject in its order: what was killed
// first, survivors last.
func Table(subjects []Subject, judges []Judge, records []Record) []Row {
	by := map[[2]string][]Record{}
	for _, r := range records {
		key := [2]string{r.Subject, r.Judge}
		by[key] = append(by[key], r)
	}
	var rows []Row
	for _, s := range subjects {
		row := Row{Subject: s}
		for _, j := range judges {
			row.Cells = append(row.Cells, Cell{Judge: j.Name(), Records: by[[2]string{s.Name(), j.Name()}]})
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(rank(a), rank(b)) })
	return rows
}

// rank puts the system as it is first and survivors last.
func rank(r Row) int {
	switch {
	case r.Subject.Mutant == nil:
		return 0
	case r.Killed():
		return 1
	}
	return 2
}

// Fired says for every property which mutants it has killed, and which of them nothing
// else was seen to catch: in every run that violated anything, it alone was violated.
type Fired struct {
	Property   string
	Kills      []string
	AloneCatch []string
}

// Vacuity counts what each property is worth, P1 to P18.
func Vacuity(rows []Row) []Fired {
	var all []Fired
	for n := 1; n <= properties; n++ {
		f := Fired{Property: fmt.Sprintf("P%d", n)}
		for _, row := range rows {
			if row.Subject.Mutant == nil {
				continue
			}
			seen := map[string]bool{}
			for _, c := range row.Cells {
				for _, r := range c.Records {
					if c.Judge == unitName || !r.Killed() {
						continue
					}
					for _, property := range r.Together {
						seen[property] = true
					}
					for property := range r.Others {
						seen[property] = true
					}
				}
			}
			if seen[f.Property] {
				f.Kills = append(f.Kills, row.Subject.Name())
				if len(seen) == 1 {
					f.AloneCatch = append(f.AloneCatch, row.Subject.Name())
				}
			}
		}
		all = append(all, f)
	}
	return all
}

// properties is how many there are in the design.
const properties = 18

// expected says what a judge should come to with a mutant.
func expected(j string, m *mutants.Mutant) bool {
	return j == simName || j == exploreName && m.Unmodelled == ""
}

// Survivors are the mutants that a judge that has to kill them has not killed, by judge.
func Survivors(rows []Row) map[string][]string {
	missing := map[string][]string{}
	for _, row := range rows {
		for _, c := range row.Cells {
			if m := row.Subject.Mutant; m != nil && expected(c.Judge, m) && !c.Killed() {
				missing[c.Judge] = append(missing[c.Judge], m.Name)
			}
		}
	}
	return missing
}

// words joins ids.
func words(ids []string) string {
	if len(ids) == 0 {
		return "-"
	}
	return strings.Join(ids, " ")
}
