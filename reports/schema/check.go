package schema

// Check is the document of `dtsim check --json`.
type Check struct {
	Config     string   `json:"config"`
	Summary    string   `json:"summary"`
	Properties []string `json:"properties"`
	// Search describes the kind of search.
	Search      string `json:"search"`
	Jobs        int    `json:"jobs"`
	States      uint64 `json:"states"`
	Transitions uint64 `json:"transitions"`
	Depth       int    `json:"depth"`
	// Levels are the numbers of states by distance from an initial state, for breadth first
	// search.
	Levels []uint64 `json:"levels"`
	// Growth is the progress of the search; the last point is its end.
	Growth    []Growth `json:"growth"`
	Dead      uint64   `json:"dead_ends"`
	Exhausted bool     `json:"exhausted"`
	// Bound is what ended the search early; MaxStates and MaxMemory are the limits, 0 for none.
	Bound     string `json:"bound"`
	MaxStates uint64 `json:"max_states"`
	MaxMemory uint64 `json:"max_memory"`
	// Cut counts the states outside the state constraint, which were not expanded.
	Cut             uint64  `json:"cut_states,omitempty"`
	WallS           float64 `json:"wall_s"`
	StatesPerS      float64 `json:"states_per_s"`
	TransitionsPerS float64 `json:"transitions_per_s"`
	BytesPerState   float64 `json:"bytes_per_state"`
	VisitedBytes    uint64  `json:"visited_bytes"`
	FrontierBytes   uint64  `json:"frontier_bytes"`
	ModelBytes      uint64  `json:"model_bytes"`
	// Omission bounds the probability that two states were confused.
	Omission   float64          `json:"omission_probability"`
	Audited    uint64           `json:"audited_pairs"`
	Reduced    uint64           `json:"reduced_states"`
	Liveness   *Liveness        `json:"liveness,omitempty"`
	Walk       *Walk            `json:"walk,omitempty"`
	Violations []CheckViolation `json:"violations"`
}

// Growth is the progress of a search at one time.
type Growth struct {
	WallS       float64 `json:"wall_s"`
	States      uint64  `json:"states"`
	Transitions uint64  `json:"transitions"`
	Waiting     uint64  `json:"waiting"`
	Depth       int     `json:"depth"`
}

// Liveness sums up the graph on which liveness was decided.
type Liveness struct {
	Settled    uint64 `json:"settled_states"`
	Components uint64 `json:"unsettled_components"`
	Largest    uint64 `json:"largest_component"`
}

// Walk is a random walk.
type Walk struct {
	Seed     uint64     `json:"seed"`
	Runs     uint64     `json:"runs"`
	Complete bool       `json:"complete"`
	Fresh    float64    `json:"new_states_per_step"`
	Coverage []Coverage `json:"coverage"`
}

// Coverage is the number of distinct states after a number of steps.
type Coverage struct {
	Steps  uint64 `json:"steps"`
	States uint64 `json:"states"`
}

// CheckViolation is a violated property with its path.
type CheckViolation struct {
	Property string `json:"property"`
	Message  string `json:"message"`
	// Loop is the step, from 1, to which the last one returns; 0 for a path that ends.
	Loop  int    `json:"loop"`
	Steps []Step `json:"steps"`
	// Trace is the file of the counterexample, Replay the command that replays it.
	Trace  string `json:"trace"`
	Replay string `json:"replay"`
}

// Step is an action of a path and what it changed.
type Step struct {
	Action  string   `json:"action"`
	Changed []Change `json:"changed"`
}

// Change is a part of a state that changed.
type Change struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}
