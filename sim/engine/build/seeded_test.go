package build

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// goroot returns the installed distribution.
func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

var allEdits = slices.Concat(ownerEdits, runtimeEdits)

// copyOf returns a folder with copies of the files that are edited, for changes.
func copyOf(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	for _, e := range allEdits {
		to := filepath.Join(dir, "src", filepath.FromSlash(e.file))
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
		text, err := os.ReadFile(filepath.Join(root, "src", filepath.FromSlash(e.file)))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(to, text, 0o644))
	}
	return dir
}

// change replaces text in one file below root.
func change(t *testing.T, root, file, old, replacement string) {
	t.Helper()
	name := filepath.Join(root, "src", filepath.FromSlash(file))
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Contains(t, string(text), old)
	require.NoError(t, os.WriteFile(name, []byte(strings.Replace(string(text), old, replacement, 1)), 0o644))
}

func TestEveryEditFitsTheInstalledGo(t *testing.T) {
	root := goroot(t)
	o, err := seedRuntime(root)
	require.NoError(t, err)

	dir := t.TempDir()
	name, err := writeOverlay(dir, o.below(root))
	require.NoError(t, err)
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	var doc struct{ Replace map[string]string }
	require.NoError(t, json.Unmarshal(text, &doc))

	edited := make(map[string]bool)
	for _, e := range allEdits {
		original := filepath.Join(root, "src", filepath.FromSlash(e.file))
		edited[original] = true
		copied, err := os.ReadFile(doc.Replace[original])
		require.NoError(t, err)
		require.Contains(t, string(copied), e.new, e.name)
	}
	require.Len(t, doc.Replace, len(edited)+len(addedFiles)+len(ownerFiles))
	for original := range doc.Replace {
		_, err := os.Stat(original)
		require.Equal(t, edited[original], err == nil, "%s is edited if it exists and added if not", original)
	}
}

func TestAnEditThatDoesNotMatchExactlyOnceIsRefused(t *testing.T) {
	root := goroot(t)
	names := make(map[string]bool)
	for _, e := range allEdits {
		require.False(t, names[e.name], "two edits are called %q", e.name)
		names[e.name] = true

		gone := copyOf(t, root)
		change(t, gone, e.file, e.old, "")
		_, err := seedRuntime(gone)
		var unknown *UnknownVersionError
		require.ErrorAs(t, err, &unknown, e.name)
		require.Equal(t, UnknownVersionError{Edit: e.name, File: e.file, Matches: 0}, *unknown)
		require.ErrorContains(t, err, "this Go version is not known to the overlay: "+e.name)

		twice := copyOf(t, root)
		change(t, twice, e.file, e.old, e.old+e.old)
		_, err = seedRuntime(twice)
		require.ErrorAs(t, err, &unknown, e.name)
		require.Equal(t, e.name, unknown.Edit)
		require.Equal(t, 2, unknown.Matches)
	}
}

func TestAMissingFileIsAnUnknownVersion(t *testing.T) {
	root := copyOf(t, goroot(t))
	require.NoError(t, os.Remove(filepath.Join(root, "src", "runtime", "synctest.go")))
	_, err := seedRuntime(root)
	var unknown *UnknownVersionError
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, "runtime/synctest.go", unknown.File)
}

func TestEditedSourcesAreNotEditedAgain(t *testing.T) {
	root := copyOf(t, goroot(t))
	o, err := seedRuntime(root)
	require.NoError(t, err)
	for name, text := range o {
		require.NoError(t, os.WriteFile(filepath.Join(root, "src", filepath.FromSlash(name)), []byte(text), 0o644))
	}
	_, err = seedRuntime(root)
	var unknown *UnknownVersionError
	require.ErrorAs(t, err, &unknown)
}

func TestTheDigestIsThatOfTheContent(t *testing.T) {
	root := goroot(t)
	here, err := seedRuntime(root)
	require.NoError(t, err)
	elsewhere := copyOf(t, root)
	same, err := seedRuntime(elsewhere)
	require.NoError(t, err)
	require.Equal(t, digest(here), digest(same), "where the files lie does not matter")

	change(t, elsewhere, "runtime/select.go", "package runtime", "package  runtime")
	other, err := seedRuntime(elsewhere)
	require.NoError(t, err)
	require.NotEqual(t, digest(here), digest(other))
}
