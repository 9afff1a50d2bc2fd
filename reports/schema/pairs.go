package schema

// Pairs is the document of `dtsim check --pairs --json`.
type Pairs struct {
	Properties []string `json:"properties"`
	// Search describes the kind of search.
	Search string `json:"search"`
	Jobs   int    `json:"jobs"`
	// Pairs are those that were searched, Senseless those that were not.
	Pairs     []Pair          `json:"pairs"`
	Senseless []SenselessPair `json:"senseless"`
	// Clusters is how many were to be searched, States and Transitions are summed up over
	// those that were.
	Clusters    int     `json:"clusters"`
	States      uint64  `json:"states"`
	Transitions uint64  `json:"transitions"`
	Exhausted   bool    `json:"exhausted"`
	WallS       float64 `json:"wall_s"`
}

// Pair is one pair of flags, or the barrier and a flag, and the cluster that was searched.
type Pair struct {
	Name        string           `json:"name"`
	Flags       []string         `json:"flags"`
	Summary     string           `json:"summary"`
	States      uint64           `json:"states"`
	Transitions uint64           `json:"transitions"`
	Depth       int              `json:"depth"`
	Exhausted   bool             `json:"exhausted"`
	Bound       string           `json:"bound"`
	WallS       float64          `json:"wall_s"`
	Violations  []CheckViolation `json:"violations"`
}

// SenselessPair is a pair that is not searched, and why.
type SenselessPair struct {
	Name  string   `json:"name"`
	Flags []string `json:"flags"`
	Why   string   `json:"why"`
}
