package browsertest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The version of axe-core that judges pages, and what its script must be.
const (
	axeVersion = "4.14.1"
	axeSum     = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
)

// Accessible holds what is shown now against the rules of axe-core (WCAG 2.2 A and AA,
// and its best practices): contrast, names, roles, landmarks. The rules come through
// npm, as it is set up, and are kept in the user's cache; where they cannot be had, the
// test is skipped from here on. Leave are selectors of what is not looked at: more of the
// same, as rules take their time.
func (tab *Tab) Accessible(leave ...string) {
	tab.t.Helper()
	script, err := axe(tab.t)
	if err != nil {
		tab.t.Skipf("axe-core %s cannot be had, so contrast and roles were not checked: %v", axeVersion, err)
	}
	tab.Eval(script+"; true", nil)
	if leave == nil {
		leave = []string{}
	}
	var found struct {
		Passes     int
		Violations []struct {
			ID, Help string
			Nodes    []struct {
				Target         []any
				FailureSummary string
			}
		}
	}
	except, err := json.Marshal(leave)
	require.NoError(tab.t, err)
	tab.Eval(`axe.run({exclude: `+string(except)+`}, {iframes: false, resultTypes: ["violations"]}).then((r) => ({passes: r.passes.length, violations: r.violations}))`, &found)
	for _, f := range found.Violations {
		for _, n := range f.Nodes {
			tab.t.Errorf("%s (%s) at %v: %s", f.Help, f.ID, n.Target, n.FailureSummary)
		}
	}
	require.Greater(tab.t, found.Passes, 10, "rules that had something to look at")
}

// axe returns the script of axe-core.
func axe(t testing.TB) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	kept := filepath.Join(dir, "dtsim", "axe-core-"+axeVersion+".min.js")
	if script, err := os.ReadFile(kept); err == nil && sum(script) == axeSum {
		return string(script), nil
	}
	script, err := fetchAxe(t.TempDir())
	if err != nil {
		return "", err
	}
	if got := sum(script); got != axeSum {
		return "", fmt.Errorf("its script has the sum %s, not %s", got, axeSum)
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err == nil {
		temporary := filepath.Join(filepath.Dir(kept), fmt.Sprintf(".axe-%d", os.Getpid()))
		if os.WriteFile(temporary, script, 0o644) == nil {
			os.Rename(temporary, kept)
		}
	}
	return string(script), nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// fetchAxe lets npm fetch the package and takes the script out of it.
func fetchAxe(dir string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "pack", "--silent", "axe-core@"+axeVersion)
	cmd.Dir = dir
	var words bytes.Buffer
	cmd.Stderr = &words
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("npm pack: %w %s", err, strings.TrimSpace(words.String()))
	}
	f, err := os.Open(filepath.Join(dir, "axe-core-"+axeVersion+".tgz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	for files := tar.NewReader(unzipped); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("the package has no axe.min.js")
		}
		if err != nil {
			return nil, err
		}
		if h.Name == "package/axe.min.js" {
			return io.ReadAll(files)
		}
	}
}
