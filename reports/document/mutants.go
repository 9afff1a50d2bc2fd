package document

// Mutants is what `dtsim mutants --json` prints and what is kept beside the table of
// mutants.
type Mutants struct {
	Command     string   `json:"command"`
	Machine     string   `json:"machine"`
	BudgetS     float64  `json:"budget_s"`
	Repetitions int      `json:"repetitions"`
	Judges      []string `json:"judges"`
	// Unmutated is what judges spent on the system as it is, by judge, Found what they
	// came to.
	Unmutated map[string]Kill `json:"unmutated"`
	Found     []Finding       `json:"unmutated_violations"`
	Mutants   []Mutant        `json:"mutants"`
	Worth     []Worth         `json:"worth"`
}

// Mutant is one mutant.
type Mutant struct {
	Name string `json:"name"`
	// Properties are those that it may break.
	Properties []string        `json:"properties"`
	Killed     bool            `json:"killed"`
	Kills      map[string]Kill `json:"kills"`
	// Survived says what was spent by the judges that did not kill it, Skipped why others
	// were not asked, Failed why those have no verdict.
	Survived map[string]Kill   `json:"survived"`
	Skipped  map[string]string `json:"skipped"`
	Failed   map[string]string `json:"failed"`
	// Fired counts, by property, what violated it, in all that judges looked at; Alone is
	// the property that it was alone, empty when there were others, or not enough.
	Fired map[string]int `json:"fired"`
	Alone string         `json:"alone"`
}

// Kill is what a judge took, as medians.
type Kill struct {
	Runs  int     `json:"runs"`
	WallS float64 `json:"wall_s"`
	// Property is the one that fired most often at the kill, empty when none did;
	// Properties are all.
	Property   string   `json:"property"`
	Properties []string `json:"properties"`
	Kills      int      `json:"kills"`
	Tries      int      `json:"tries"`
	Where      string   `json:"where"`
	// Violating counts what violated a property, also after the kill; Unexpected are
	// violated properties that are not the mutant's to break.
	Violating  int      `json:"violating"`
	Unexpected []string `json:"unexpected"`
}

// Worth is what a property is worth: the mutants that it catches, and those that
// nothing else catches.
type Worth struct {
	Property string   `json:"property"`
	Catches  []string `json:"catches"`
	Alone    []string `json:"alone"`
}

// Finding is something found in the system as it is.
type Finding struct {
	Judge    string `json:"judge"`
	Property string `json:"property"`
	Message  string `json:"message"`
	Where    string `json:"where"`
}
