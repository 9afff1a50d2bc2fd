package mutation

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"dtsim/scenarios/mutation/results"
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
	return results.Sorted(found)
}

// Fired counts what violated each property, over all repetitions.
func (c Cell) Fired() (by map[string]int, violating int) {
	by = make(map[string]int)
	for _, r := range c.Records {
		for property, n := range r.Fired {
			by[property] += n
		}
		violating += r.Violating
	}
	return by, violating
}

// Unexpected are the properties that a judge saw violated and that are not the
// subject's to break, sorted.
func (r Row) Unexpected(c Cell) []string {
	fired, _ := c.Fired()
	found := map[string]bool{}
	for property := range fired {
		if !r.Subject.wanted(property) {
			found[property] = true
		}
	}
	return results.Sorted(found)
}

// Killed says that a judge that names properties has killed the subject.
func (r Row) Killed() bool {
	return slices.ContainsFunc(r.Cells, func(c Cell) bool { return c.Judge != results.UnitTests && c.Killed() })
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

// Worth says what a property is worth: the mutants that it catches, and those that
// nothing else catches; see the package comment.
type Worth struct {
	Property       string
	Catches, Alone []string
}

// Vacuity says what each property is worth, P1 to P18.
func Vacuity(rows []Row) []Worth {
	var all []Worth
	for n := 1; n <= results.Properties; n++ {
		w := Worth{Property: fmt.Sprintf("P%d", n)}
		for _, row := range rows {
			if m := row.Subject.Mutant; m == nil || !m.MayBreak(w.Property) {
				continue
			}
			fired, alone := row.caughtBy()
			if fired[w.Property] > 0 {
				w.Catches = append(w.Catches, row.Subject.Name())
			}
			if alone == w.Property {
				w.Alone = append(w.Alone, row.Subject.Name())
			}
		}
		all = append(all, w)
	}
	return all
}

// caughtBy counts what violated each property, by all judges that name results.Properties, and
// says which one it was alone, if it was.
func (r Row) caughtBy() (by map[string]int, alone string) {
	by = make(map[string]int)
	simulated, failed := 0, false
	for _, c := range r.Cells {
		if c.Judge == results.UnitTests {
			continue
		}
		fired, violating := c.Fired()
		for property, n := range fired {
			by[property] += n
		}
		if c.Judge == results.Simulation {
			simulated = violating
		}
		failed = failed || c.Err() != nil
	}
	named := slices.DeleteFunc(results.Sorted(by), func(id string) bool { return !results.MayKill(id) })
	if len(named) == 1 && simulated >= results.Convincing && !failed {
		alone = named[0]
	}
	return by, alone
}

// expected says what a judge should come to with a mutant.
func expected(j string, m *Mutant) bool {
	return j == results.Simulation && m.Unsimulated == "" || j == results.Exploration && m.Unmodelled == ""
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
