package cli

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"dtsim/scenarios"
)

func newScenarios(env *Environment) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "scenarios",
		Short: "List the scenarios: what there is to run",
		Long: `List the scenarios. A scenario is a named family of plans: the seed varies what the
scenario is not about, and every run of it must keep the promises its plan makes.`,
		Example: `  dtsim scenarios
  dtsim scenarios --json
  dtsim run --scenario journey-3`,
		Args: noArgs("scenarios", ""),
		RunE: func(*cobra.Command, []string) error {
			all := scenarios.All()
			if asJSON {
				return printJSON(env, describe(all))
			}
			width := 0
			for _, s := range all {
				width = max(width, len(s.Name))
			}
			for _, s := range all {
				name := s.Name
				for line := range strings.Lines(text.WrapSoft(s.Summary, 98-width)) {
					fmt.Fprintf(env.Stdout, "%-*s  %s\n", width, name, strings.TrimSpace(line))
					name = ""
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

// catalogue is what `dtsim scenarios --json` prints.
type catalogue struct {
	Scenarios []catalogued `json:"scenarios"`
}

type catalogued struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
}

func describe(all []scenarios.Scenario) catalogue {
	c := catalogue{Scenarios: []catalogued{}}
	for _, s := range all {
		c.Scenarios = append(c.Scenarios, catalogued{s.Name, s.Summary})
	}
	return c
}

// selectScenarios returns the scenarios that names and glob patterns select, in
// the order of the catalogue; all of them for no pattern.
func selectScenarios(patterns []string) ([]scenarios.Scenario, error) {
	all := scenarios.All()
	if len(patterns) == 0 {
		return all, nil
	}
	chosen := map[string]bool{}
	for _, pattern := range patterns {
		if !strings.ContainsAny(pattern, `*?[\`) {
			s, err := scenarios.ByName(pattern)
			if err != nil {
				return nil, badUsage("--scenario: %w", err)
			}
			chosen[s.Name] = true
			continue
		}
		found := false
		for _, s := range all {
			ok, err := path.Match(pattern, s.Name)
			if err != nil {
				return nil, badUsage("--scenario %s: %w", pattern, err)
			}
			if ok {
				found, chosen[s.Name] = true, true
			}
		}
		if !found {
			return nil, badUsage("--scenario %s: no scenario matches; dtsim scenarios lists them", pattern)
		}
	}
	return slices.DeleteFunc(all, func(s scenarios.Scenario) bool { return !chosen[s.Name] }), nil
}
