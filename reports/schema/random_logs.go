package schema

// RandomLogs is the document of `dtsim check --random-logs --json`.
type RandomLogs struct {
	Properties []string `json:"properties"`
	Seed       uint64   `json:"seed"`
	// Asked is how many logs were to be applied, Logs how many were, Length how many steps each has.
	Asked  uint64 `json:"asked"`
	Logs   uint64 `json:"logs"`
	Length int    `json:"length"`
	// Violations are the first logs of each property.
	Violations []RandomLog `json:"violations"`
	WallS      float64     `json:"wall_s"`
}

// RandomLog is a violation: the log by its number, and what is left of it when all is gone
// that the violation does not take.
type RandomLog struct {
	Property string   `json:"property"`
	Message  string   `json:"message"`
	Number   uint64   `json:"number"`
	Log      []string `json:"log"`
}
