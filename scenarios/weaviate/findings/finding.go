package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// Finding is a defect of the published task manager, with a plan that shows it.
type Finding struct {
	// Name is the name of its plan, NAME.plan.json.
	Name string `json:"name"`
	// Title is what happens, Harm what that means for somebody who runs the published server.
	Title string `json:"title"`
	Harm  string `json:"harm"`
	// Property is what the plan violates, Says is part of the message.
	Property string `json:"property"`
	Says     string `json:"says"`
	// System is the value of --system: with which providers.
	System string `json:"system"`
	// Versions are those that have it, Without are those that were tried and do not.
	Versions []string `json:"versions"`
	Without  []string `json:"without,omitempty"`
	// Legal is why the plan needs nothing that the published contract forbids.
	Legal string `json:"legal"`
	// Issue is the public issue; empty if none is known.
	Issue string `json:"issue,omitempty"`
}

// findingsFile has the findings, among their plans.
const findingsFile = "findings.json"

// readFindings reads the findings in a folder, the worst ones first.
func readFindings(dir string) ([]Finding, error) {
	name := filepath.Join(dir, findingsFile)
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var all []Finding
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

// planIn returns the plan of the finding, which lies in a folder.
func (f *Finding) planIn(dir string) (*plan.Plan, error) {
	return plan.ReadFile(filepath.Join(dir, f.Name+".plan.json"))
}

// violation returns the violation of the finding among those of a run, nil if it is not there.
func (f *Finding) violation(v trace.Verdict) *trace.Violation {
	i := slices.IndexFunc(v.Violations, func(v trace.Violation) bool {
		return v.Property == f.Property && strings.Contains(v.Message, f.Says)
	})
	if i < 0 {
		return nil
	}
	return &v.Violations[i]
}
