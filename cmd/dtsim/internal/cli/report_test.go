package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatIsForProgramsIsNotPrintedOnATerminal(t *testing.T) {
	dir := t.TempDir()
	doc := filepath.Join(dir, "check.json")
	require.NoError(t, os.WriteFile(doc, []byte(`{"config": "x", "transitions": 1, "levels": [], "exhausted": true, "properties": ["P5"]}`), 0o644))
	run := func(terminal bool, args ...string) (status int, stdout, stderr string) {
		var out, errs bytes.Buffer
		status = Main(t.Context(), Environment{Stdout: &out, Stderr: &errs, Terminal: terminal, Jobs: 1}, append([]string{"report", doc}, args...))
		return status, out.String(), errs.String()
	}
	status, stdout, stderr := run(true, "-o", "-")
	assert.Equal(t, 2, status)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "standard output is a terminal")

	status, stdout, _ = run(false, "-o", "-")
	assert.Equal(t, 0, status)
	assert.Contains(t, stdout, "<!doctype html>")
	status, stdout, _ = run(true, "--format", "text")
	assert.Equal(t, 0, status)
	assert.Equal(t, "x: 1 passed\n", stdout)

	again := filepath.Join(dir, "a", "b.html")
	status, said, _ := run(true, "-o", again)
	assert.Equal(t, 0, status)
	assert.Equal(t, again+"\n", said)
	_, stdout, _ = run(false, "-o", "-")
	page, err := os.ReadFile(again)
	require.NoError(t, err)
	assert.Equal(t, stdout, string(page), "the same page, byte for byte")

	status, _, stderr = run(true, "-o", filepath.Join(doc, "x.html"))
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "cannot be written")
}
