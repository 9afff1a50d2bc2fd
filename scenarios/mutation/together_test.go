package mutation

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shapes are functions of all shapes; each returns what it was given.
const shapes = `
type T struct{ n int }

func (t *T) Method(a, _ int, more ...string) (int, error) { return t.n + a + 1, nil }
func (T) Unnamed(int, string) string { return fmt.Sprint(2 + 0) }
func Nothing(out *[]int) { *out = append(*out, 3) }
func Generic[K comparable, V any](k K) map[K]V { return make(map[K]V, 4) }
func Again(n int) int {
	if n == 0 {
		return 0
	}
	return 1 + Again(n-1)
}
func Saved() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("saved %v", p)
		}
	}()
	var list []int
	_ = list[5]
	return nil
}

var Early = Again(3)
`

const calls = `package main

import (
	"fmt"

	"small/fsm"
)

func main() {
	a, err := (&fsm.T{}).Method(1, 2, "x", "y")
	var out []int
	fsm.Nothing(&out)
	fmt.Println(a, err, fsm.T{}.Unnamed(1, ""), out, len(fsm.Generic[string, int]("")), fsm.Again(2), fsm.Saved(), fsm.Early)
}
`

func TestManyMutantsAreOneProgram(t *testing.T) {
	dir := small(t, shapes)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(calls), 0o644))
	all, err := Generate(dir, Small)
	require.NoError(t, err)
	chosen := Choose(all, 1, len(all))
	program, err := Together(chosen)
	require.NoError(t, err)
	run := func(choice string) string {
		cmd := exec.Command(filepath.Join(dir, "program"))
		cmd.Env = append(os.Environ(), ChoiceVariable+"="+choice)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return "ends with " + err.Error()
		}
		return strings.TrimSpace(string(out))
	}
	build := func(files map[string]string) {
		for name, text := range files {
			require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o644))
		}
		cmd := exec.Command("go", "build", "-o", "program", ".")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	build(nil)
	asItIs := run("")
	require.Equal(t, "2 <nil> 2 [3] 0 2 saved runtime error: index out of range [5] with length 0 3", asItIs)
	build(program.Files)
	require.Equal(t, asItIs, run(""), "no mutant is chosen")
	together := map[string]string{}
	for _, m := range chosen {
		require.NotEmpty(t, program.Choice(m.Name))
		together[m.Name] = run(program.Choice(m.Name))
	}
	different := map[string]bool{}
	for i, m := range chosen {
		different[together[m.Name]] = true
		if i%5 != 0 {
			continue
		}
		files, err := m.Apply(func(file string) ([]byte, error) { return []byte(m.Edits[0].Old), nil })
		require.NoError(t, err)
		build(files)
		require.Equal(t, run(""), together[m.Name], m.Wrong)
	}
	require.Greater(t, len(different), 8, fmt.Sprint(different))
}

func TestOnlyOperatorsMutantsGoTogether(t *testing.T) {
	_, err := Together([]*Mutant{{Name: "written"}})
	require.ErrorContains(t, err, "mutant written: no operator made it")
}
