package schema

import "dtsim/scenarios/mutation/results"

// What `dtsim mutants --json` prints; package results holds the documents.
type (
	Mutants         = results.Document
	Mutant          = results.Mutant
	Generated       = results.Generated
	GeneratedMutant = results.GeneratedMutant
	Kill            = results.Kill
	Worth           = results.Worth
	Finding         = results.Finding
)
