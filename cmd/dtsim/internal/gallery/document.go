package gallery

// Document is what `dtsim mutants --json` prints.
type Document struct {
	Command string            `json:"command"`
	Mutants []DocumentMutant  `json:"mutants"`
	Fired   []DocumentFired   `json:"fired"`
	Found   []DocumentFinding `json:"unmutated_violations"`
}

// DocumentMutant is one mutant.
type DocumentMutant struct {
	Name       string                  `json:"name"`
	Properties []string                `json:"properties"`
	Killed     bool                    `json:"killed"`
	Kills      map[string]DocumentKill `json:"kills"`
	// Survived says what was spent by the judges that did not kill it, Skipped why others
	// were not asked, Failed why those have no verdict.
	Survived map[string]DocumentKill `json:"survived"`
	Skipped  map[string]string       `json:"skipped"`
	Failed   map[string]string       `json:"failed"`
}

// DocumentKill is what a kill took, as medians.
type DocumentKill struct {
	Runs  int     `json:"runs"`
	WallS float64 `json:"wall_s"`
	// Property is the one that fired most often; empty when none did.
	Property string `json:"property"`
	Kills    int    `json:"kills"`
	Tries    int    `json:"tries"`
	Where    string `json:"where"`
}

// DocumentFired is what a property is worth.
type DocumentFired struct {
	Property string   `json:"property"`
	Catches  []string `json:"catches"`
	Alone    []string `json:"alone"`
}

// DocumentFinding is something found in the system as it is.
type DocumentFinding struct {
	Judge    string `json:"judge"`
	Property string `json:"property"`
	Message  string `json:"message"`
	Where    string `json:"where"`
}

// NewDocument makes the document of a table.
func NewDocument(command string, rows []Row) Document {
	d := Document{Command: command, Mutants: []DocumentMutant{}, Fired: []DocumentFired{}, Found: []DocumentFinding{}}
	for _, row := range rows {
		if row.Subject.Mutant == nil {
			for _, c := range row.Cells {
				for _, r := range c.Records {
					if r.Killed() {
						d.Found = append(d.Found, DocumentFinding{c.Judge, r.Property, r.Message, r.Where})
					}
				}
			}
			continue
		}
		m := DocumentMutant{
			Name: row.Subject.Name(), Properties: row.Subject.Mutant.Breaks, Killed: row.Killed(),
			Kills: map[string]DocumentKill{}, Survived: map[string]DocumentKill{}, Skipped: map[string]string{}, Failed: map[string]string{},
		}
		for _, c := range row.Cells {
			switch {
			case c.Skipped() != "":
				m.Skipped[c.Judge] = c.Skipped()
			case c.Err() != nil:
				m.Failed[c.Judge] = c.Err().Error()
			case c.Kills() > 0:
				m.Kills[c.Judge] = c.document()
			default:
				m.Survived[c.Judge] = c.document()
			}
		}
		d.Mutants = append(d.Mutants, m)
	}
	for _, f := range Vacuity(rows) {
		d.Fired = append(d.Fired, DocumentFired{f.Property, append([]string{}, f.Kills...), append([]string{}, f.AloneCatch...)})
	}
	return d
}

func (c Cell) document() DocumentKill {
	k := DocumentKill{Runs: c.Runs(), WallS: c.Wall().Seconds(), Kills: c.Kills(), Tries: len(c.Records)}
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
