package export

import (
	"encoding/xml"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/reports/schema"
	"dtsim/reports/timeline/timelinetest"
	"dtsim/scenarios/property"
	"dtsim/sim/coverage"
)

// TestGolden holds each format of each document against a golden file. The directives
// are junit, github and text; their input is a document.
func TestGoldenCases(t *testing.T) {
	datadriven.Walk(t, filepath.Join("testdata", "cases"), func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var b strings.Builder
			suites := suitesOf(t, d.Input)
			switch d.Cmd {
			case "junit":
				require.NoError(t, JUnit(&b, suites))
				wellFormed(t, b.String())
			case "github":
				require.NoError(t, GitHub(&b, suites))
				for line := range strings.Lines(b.String()) {
					assert.True(t, strings.HasPrefix(line, "::error "), "nothing but commands: %q", line)
				}
			case "text":
				require.NoError(t, Text(&b, suites))
			}
			return b.String()
		})
	})
}

func suitesOf(t *testing.T, content string) []Suite {
	d, err := schema.Read([]byte(content))
	require.NoError(t, err)
	switch d := d.(type) {
	case *schema.Campaign:
		return CampaignSuites(d)
	case *schema.Check:
		return CheckSuites(d)
	case *schema.Mutants:
		return MutantSuites(d)
	}
	return nil
}

// wellFormed reads the whole document, and compares its counts with its content.
func wellFormed(t *testing.T, text string) {
	var back junitSuites
	require.NoError(t, xml.Unmarshal([]byte(text), &back))
	tests, failures := 0, 0
	for _, s := range back.Suites {
		assert.Len(t, s.Cases, s.Tests)
		tests += s.Tests
		for _, c := range s.Cases {
			if c.Failure != nil {
				failures++
			}
		}
	}
	assert.Equal(t, back.Tests, tests)
	assert.Equal(t, back.Failures, failures)
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); err == io.EOF {
			return
		} else {
			require.NoError(t, err)
		}
	}
}

func TestOfARun(t *testing.T) {
	early, _ := timelinetest.EarlySwap(t)
	early.Footer.Counters = map[string]int64{coverage.ExercisedPrefix + "P1": 3, coverage.ExercisedPrefix + "P5": 1, coverage.ExercisedPrefix + "P10": 2}
	s := RunSuites(early, "run.plan.json", "go run ./cmd/dtsim replay x")
	require.Len(t, s, 1)
	require.Len(t, s[0].Cases, len(property.Properties()), "each property once")
	by := map[string]Case{}
	for _, c := range s[0].Cases {
		by[c.Name] = c
	}
	assert.Equal(t, "P5", s[0].Cases[0].Name, "what is violated comes first")
	assert.Equal(t, Failed, by["P5"].Outcome)
	assert.Contains(t, by["P5"].Text, "go run ./cmd/dtsim replay x")
	assert.Equal(t, Passed, by["P1"].Outcome)
	assert.Equal(t, Passed, by["P10"].Outcome)
	assert.Equal(t, Skipped, by["P2"].Outcome)

	found := RunSuites(timelinetest.Machine(t), "x", "y")
	require.Len(t, found[0].Cases, 1)
	assert.Equal(t, Failed, found[0].Cases[0].Outcome)

	var b strings.Builder
	require.NoError(t, JUnit(&b, RunSuites(timelinetest.Hostile(t), "\x00", "]]>")))
	wellFormed(t, b.String())
}

// TestHostileTextsStayInTheirPlace: a text begins no command, ends no
// element and hides nothing.
func TestHostileTextsStayInTheirPlace(t *testing.T) {
	const hostile = "]]></failure>\n::error::%0A\u202e,file=x:\x00\x1b[31m<script>"
	suites := []Suite{{Name: hostile, Facts: []Fact{{"x", hostile}}, Cases: []Case{
		{Name: hostile, Outcome: Failed, Kind: hostile, Message: hostile, Text: hostile, File: hostile},
		{Name: hostile, Outcome: HarnessError, Kind: hostile, Message: hostile, Text: hostile},
	}}}
	var b strings.Builder
	require.NoError(t, JUnit(&b, suites))
	wellFormed(t, b.String())
	assert.NotContains(t, b.String(), "\u202e")
	assert.NotContains(t, b.String(), "<script>")

	b.Reset()
	require.NoError(t, GitHub(&b, suites))
	all := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	require.Len(t, all, 2, "one line a case")
	for _, line := range all {
		head, _, _ := strings.Cut(strings.TrimPrefix(line, "::error "), "::")
		assert.NotContains(t, head, ":", "no property is ended by its value")
		assert.NotContains(t, line, "\x1b")
		assert.NotContains(t, line, "\u202e")
	}

	b.Reset()
	require.NoError(t, Text(&b, suites))
	for line := range strings.Lines(b.String()) {
		assert.NotRegexp(t, `^::`, line, "no line is a command")
		assert.NotContains(t, line, "\x1b")
	}
}
