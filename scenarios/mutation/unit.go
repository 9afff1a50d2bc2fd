package mutation

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"dtsim/reports/schema"
)

// Unit is the detector that runs the tests of the packages that mutants may change.
type Unit struct {
	// Root is the module's root.
	Root   string
	Budget time.Duration
	Now    func() time.Time
}

// Name implements [Detector].
func (u *Unit) Name() string { return schema.UnitTests }

// Skip implements [Detector]: the tests of [Library] are none of this module's.
func (u *Unit) Skip(m *Mutant) string {
	if m.edits(Library) {
		return "it is no package of this module"
	}
	return ""
}

// testFailed matches the report of a failed test.
var testFailed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// Detect implements [Detector]. The tests name no properties: the name of any test that fails
// stands in the place of one.
func (u *Unit) Detect(ctx context.Context, system System, _ func(string) bool, _ int) Finding {
	dir, err := os.MkdirTemp("", "dtsim-mutant-")
	if err != nil {
		return Finding{Err: err}
	}
	defer os.RemoveAll(dir)
	overlay, err := system.Edits.Write(u.Root, dir)
	if err != nil {
		return Finding{Err: err}
	}
	started := u.Now()
	bounded, cancel := context.WithTimeout(ctx, u.Budget)
	defer cancel()
	// Every mutant is suspect; vet is no test.
	args := []string{"test", "-count=1", "-failfast", "-vet=off", "-overlay=" + overlay}
	for _, name := range Editable {
		args = append(args, "./"+filepath.ToSlash(name))
	}
	args = append(args, "-rapid.nofailfile") // no failure of a mutant is to be tried again
	cmd := exec.CommandContext(bounded, "go", args...)
	cmd.Dir, cmd.Env = u.Root, append(os.Environ(), system.environment()...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	f := Finding{Runs: len(Editable), Wall: u.Now().Sub(started)}
	failed := testFailed.FindStringSubmatch(string(out))
	switch {
	case err == nil, bounded.Err() != nil:
	case failed != nil:
		f.Property, f.Message = failed[1], "the test fails"
		f.Where = "go test -run '^" + failed[1] + "$'"
	case strings.Contains(string(out), "panic: ") || strings.Contains(string(out), "fatal error: "):
		f.Property, f.Message = "panic", firstLine(string(out), "panic: ", "fatal error: ")
	default:
		f.Err = errors.New(strings.TrimSpace(string(out)))
	}
	return f
}

// firstLine returns the first line of text that has one of the marks.
func firstLine(text string, marks ...string) string {
	for line := range strings.SplitSeq(text, "\n") {
		for _, mark := range marks {
			if strings.Contains(line, mark) {
				return strings.TrimSpace(line)
			}
		}
	}
	return ""
}
