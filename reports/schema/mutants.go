package schema

import "dtsim/scenarios/mutation/results"

// The document of `dtsim mutants --json`; package results declares it.
type (
	Mutants         = results.Document
	Mutant          = results.Mutant
	Generated       = results.Generated
	GeneratedMutant = results.GeneratedMutant
	Kill            = results.Kill
	Worth           = results.Worth
	Finding         = results.Finding
)
