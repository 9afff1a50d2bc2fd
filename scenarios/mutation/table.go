package mutation

import (
	"cmp"
	"slices"
	"time"

	"dtsim/reports/schema"
)

// Row is the results of all detectors with one subject.
type Row struct {
	Subject Subject
	// Cells are by detector, in the order of the detectors.
	Cells []Cell
}

// Cell is the results of one detector with one subject, over all repetitions.
type Cell struct {
	Detector string
	// Records are the repetitions, in order; none if the detector was not tried before the
	// measurement was interrupted.
	Records []Record
}

// Skipped returns why the detector was not tried, and nothing if it was.
func (c Cell) Skipped() string {
	if len(c.Records) == 0 {
		return "interrupted"
	}
	return c.Records[0].Skipped
}

// Kills counts the repetitions in which the detector killed the subject.
func (c Cell) Kills() int {
	n := 0
	for _, r := range c.Records {
		if r.Killed() {
			n++
		}
	}
	return n
}

// Killed reports whether the detector killed the subject in every repetition.
func (c Cell) Killed() bool { return len(c.Records) > 0 && c.Kills() == len(c.Records) }

// Err returns the first failure of the detector.
func (c Cell) Err() error {
	for _, r := range c.Records {
		if r.Err != nil {
			return r.Err
		}
	}
	return nil
}

// Runs returns the median of the runs to the kill, or of all runs where there was none.
func (c Cell) Runs() int { return median(c.Records, func(r Record) int { return r.Runs }) }

// Wall returns the median time; see Runs.
func (c Cell) Wall() time.Duration {
	return median(c.Records, func(r Record) time.Duration { return r.Wall })
}

// median returns the lower one of an even number.
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

// Properties returns those that the detector killed the subject with, sorted.
func (c Cell) Properties() []string {
	found := map[string]bool{}
	for _, r := range c.Records {
		if r.Killed() {
			found[r.Property] = true
		}
	}
	return sorted(found)
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

// Unexpected returns the properties that a detector saw violated although the subject does
// not break them, sorted.
func (r Row) Unexpected(c Cell) []string {
	fired, _ := c.Fired()
	found := map[string]bool{}
	for property := range fired {
		if !r.Subject.wanted(property) {
			found[property] = true
		}
	}
	return sorted(found)
}

// Killed reports whether a detector that names properties has killed the subject.
func (r Row) Killed() bool {
	return slices.ContainsFunc(r.Cells, func(c Cell) bool { return c.Detector != schema.UnitTests && c.Killed() })
}

// Table returns a row for every subject, in the order of subjects, survivors last.
func Table(subjects []Subject, detectors []Detector, records []Record) []Row {
	by := map[[2]string][]Record{}
	for _, r := range records {
		key := [2]string{r.Subject, r.Detector}
		by[key] = append(by[key], r)
	}
	var rows []Row
	for _, s := range subjects {
		row := Row{Subject: s}
		for _, d := range detectors {
			row.Cells = append(row.Cells, Cell{Detector: d.Name(), Records: by[[2]string{s.Name(), d.Name()}]})
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(rank(a), rank(b)) })
	return rows
}

// rank orders the unmutated system first and survivors last.
func rank(r Row) int {
	switch {
	case r.Subject.Mutant == nil:
		return 0
	case r.Killed():
		return 1
	}
	return 2
}

// Worth is what a property is worth: the mutants that it catches, and those that no other
// property catches; see the package comment.
type Worth struct {
	Property       string
	Catches, Alone []string
}

// Vacuity returns what each property is worth, P1 to P18 and R1 to R8.
func Vacuity(rows []Row) []Worth {
	var all []Worth
	for _, property := range judged {
		w := Worth{Property: property}
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

// caughtBy counts what violated each property, by all detectors that name properties, and
// returns the only one, if there is one.
func (r Row) caughtBy() (by map[string]int, alone string) {
	by = make(map[string]int)
	simulated, failed := 0, false
	for _, c := range r.Cells {
		if c.Detector == schema.UnitTests {
			continue
		}
		fired, violating := c.Fired()
		for property, n := range fired {
			by[property] += n
		}
		if c.Detector == schema.Simulation {
			simulated = violating
		}
		failed = failed || c.Err() != nil
	}
	named := slices.DeleteFunc(sorted(by), func(id string) bool { return !mayKill(id) })
	if len(named) == 1 && simulated >= Convincing && !failed {
		alone = named[0]
	}
	return by, alone
}

// expected reports whether a detector has to kill a mutant.
func expected(detector string, m *Mutant) bool {
	return detector == schema.Simulation && m.Unsimulated == "" || detector == schema.Exploration && m.Unmodelled == ""
}

// Survivors returns, by detector, the mutants that it has to kill and has not killed.
func Survivors(rows []Row) map[string][]string {
	survivors := map[string][]string{}
	for _, row := range rows {
		for _, c := range row.Cells {
			if m := row.Subject.Mutant; m != nil && expected(c.Detector, m) && !c.Killed() {
				survivors[c.Detector] = append(survivors[c.Detector], m.Name)
			}
		}
	}
	return survivors
}
