package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/cover"

	"dtsim/reports/schema"
	"dtsim/sim/campaign"
)

// counting is where the counters of guests are collected for --cover.
type counting struct{ dir, profile string }

// newCounting makes the folder for counters.
func newCounting(profile string) (*counting, error) {
	dir, err := os.MkdirTemp("", "dtsim-cover-")
	if err != nil {
		return nil, fmt.Errorf("--cover: %w", err)
	}
	return &counting{dir, profile}, nil
}

func (c *counting) remove() { os.RemoveAll(c.dir) }

// collect writes the profile, and returns what it says. All guests must have ended.
func (c *counting) collect(ctx context.Context) (*schema.Cover, error) {
	merged := filepath.Join(c.dir, "profile")
	cmd := exec.CommandContext(ctx, "go", "tool", "covdata", "textfmt", "-i="+c.dir, "-o="+merged)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("--cover: go tool covdata: %w: %s", err, strings.TrimSpace(string(out)))
	}
	text, err := os.ReadFile(merged)
	if err == nil && len(text) == 0 {
		err = errors.New("no guest has left counters")
	}
	if err == nil {
		err = campaign.WriteFile(c.profile, text)
	}
	if err != nil {
		return nil, fmt.Errorf("--cover: %w", err)
	}
	profiles, err := cover.ParseProfiles(merged)
	if err != nil {
		return nil, fmt.Errorf("--cover: %w", err)
	}
	return summarize(profiles), nil
}

// summarize adds up profiles, which are sorted by file.
func summarize(profiles []*cover.Profile) *schema.Cover {
	sum := &schema.Cover{Never: []schema.Block{}}
	for _, p := range profiles {
		if !slices.Contains(application.Cover, path.Dir(p.FileName)) {
			continue // the guest's own
		}
		for _, b := range p.Blocks {
			sum.Statements += b.NumStmt
			if b.Count > 0 {
				sum.Entered += b.NumStmt
				continue
			}
			sum.Never = append(sum.Never, schema.Block{
				File: strings.TrimPrefix(p.FileName, "dtsim/"), Line: b.StartLine, Column: b.StartCol, LastLine: b.EndLine, Statements: b.NumStmt,
			})
		}
	}
	return sum
}

// printCover prints how much of the code was entered, and where most of it was not.
func printCover(w io.Writer, c *schema.Cover, profile string) {
	fmt.Fprintf(w, "\ncode entered: %d of %d statements (%.1f %%) of %s", c.Entered, c.Statements,
		100*float64(c.Entered)/float64(max(1, c.Statements)), strings.ReplaceAll(strings.Join(application.Cover, ", "), "dtsim/", ""))
	most := -1
	for i, b := range c.Never {
		if most < 0 || b.Statements > c.Never[most].Statements {
			most = i
		}
	}
	if most >= 0 {
		fmt.Fprintf(w, "; never: %d places, the largest at %s:%d", len(c.Never), c.Never[most].File, c.Never[most].Line)
	}
	fmt.Fprintf(w, "\nprofile: %s (go tool cover -html=%s)\n", profile, profile)
}
