package schema

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDocumentsComeBack(t *testing.T) {
	for _, d := range []any{
		&Campaign{Command: "dtsim run", Engine: "native", Failures: []Failure{{Property: "P5", Runs: 3}}, RunHashes: []Run{{Scenario: "a", Seed: 1<<64 - 1}}},
		&Check{Config: "default", States: 312_432, Levels: []uint64{1, 4}, Violations: []CheckViolation{{Property: "P5", Steps: []Step{{Action: "vote"}}}}},
		&Mutants{Command: "dtsim mutants", Mutants: []Mutant{{Name: "m", Kills: map[string]Kill{"sim": {Runs: 1}}}}},
	} {
		text, err := json.MarshalIndent(d, "", "  ")
		require.NoError(t, err)
		back, err := Read(append(text, '\n'))
		require.NoError(t, err)
		assert.Equal(t, d, back)
	}
}

func TestKeysOfALaterBuildAreIgnored(t *testing.T) {
	d, err := Read([]byte(`{"config": "x", "transitions": 3, "levels": [1], "later": {"a": 1}}`))
	require.NoError(t, err)
	assert.Equal(t, &Check{Config: "x", Transitions: 3, Levels: []uint64{1}}, d)
}

func TestBadDocumentsAreRefusedWithTheirPlace(t *testing.T) {
	for text, wrong := range map[string]string{
		"":                          "line 1: the document was cut off",
		"{\n\"config\": \"x\",\n":   "line 3: the document was cut off",
		"[1, 2]":                    ErrUnknown.Error(),
		"{\n  \"config\": x\n}":     "line 2: invalid character 'x'",
		`{"format": 1, "name": ""}`: ErrUnknown.Error(),
		"{\"config\": \"x\", \"levels\": [],\n\"transitions\": \"many\"}": "line 2: transitions is a string there",
		"{\"mutants\": [], \"unmutated_violations\": []}\n\n{}":           "line 3: unexpected content after the document",
		`{"mutants": [{"name": 3}], "unmutated_violations": []}`:          "line 1: mutants.name is a number there",
	} {
		_, err := Read([]byte(text))
		assert.ErrorContains(t, err, wrong, "%q", text)
	}
}

func TestNoPrefixOfADocumentIsTakenForOne(t *testing.T) {
	text, err := json.MarshalIndent(Campaign{Command: "dtsim run", Seeds: "1..3", Sometimes: map[string]int64{"two leaders": 1}}, "", " ")
	require.NoError(t, err)
	for n := range text {
		_, err := Read(text[:n])
		require.ErrorContains(t, err, fmt.Sprintf("line %d: ", 1+strings.Count(string(text[:n]), "\n")), "%d bytes", n)
	}
}
