package mutation

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sources reads what mutants may change.
func sources(t *testing.T) func(file string) ([]byte, error) {
	t.Helper()
	read, err := Sources(t.Context(), filepath.Join("..", ".."))
	require.NoError(t, err)
	return read
}

func TestEveryMutantFitsTheSource(t *testing.T) {
	source := sources(t)
	all, err := Historic()
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, m := range all {
		files, err := m.Apply(source)
		require.NoError(t, err)
		for name, text := range files {
			_, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
			require.NoError(t, err, m.Name)
		}
	}
}

func TestAnEditThatDoesNotMatchOnceIsNamed(t *testing.T) {
	source := sources(t)
	for text, matches := range map[string]int{"no such text\n": 0, "package fsm\n": 1, "\t}\n": 2} {
		m := &Mutant{Name: "moved", Edits: []Edit{{File: "fsm/task.go", Old: text, New: "x\n", Line: 7}}}
		_, err := m.Apply(source)
		if matches == 1 {
			require.NoError(t, err)
			continue
		}
		var misfit *MisfitError
		require.ErrorAs(t, err, &misfit)
		require.Equal(t, matches == 0, misfit.Matches == 0)
		require.ErrorContains(t, err, "mutant moved: the edit of fsm/task.go in line 7 matches")
	}
	m := &Mutant{Name: "lost", Edits: []Edit{{File: "fsm/nosuchfile.go", Old: "x", New: "y"}}}
	_, err := m.Apply(source)
	require.ErrorContains(t, err, "mutant lost")
}

const whole = `What is wrong,
in two lines.

known: from somewhere
breaks: P1, P18
explore: no, it cannot

=== fsm/task.go
<<<<
	old
====
>>>>

<<<<
	one
====
	two
>>>>
=== sched/reconcile/next.go
<<<<
x
====
y
>>>>
`

func TestAMutantIsReadFromText(t *testing.T) {
	m, err := Parse("name", whole)
	require.NoError(t, err)
	require.Equal(t, &Mutant{
		Name: "name", Wrong: "What is wrong,\nin two lines.", Known: "from somewhere",
		Breaks: []string{"P1", "P18"}, Unmodelled: "it cannot",
		Edits: []Edit{
			{File: "fsm/task.go", Old: "\told\n", New: "", Line: 9},
			{File: "fsm/task.go", Old: "\tone\n", New: "\ttwo\n", Line: 14},
			{File: "sched/reconcile/next.go", Old: "x\n", New: "y\n", Line: 20},
		},
	}, m)
	require.True(t, m.MayBreak("P18"))
	require.False(t, m.MayBreak("P2"))
}

func TestAMutantNamesWhatKeepsSimulationFromFindingIt(t *testing.T) {
	m, err := Parse("name", strings.Replace(whole, "explore: no, it cannot\n", "explore: yes\nsim: no, it is never there\n", 1))
	require.NoError(t, err)
	require.Equal(t, "it is never there", m.Unsimulated)
	require.Empty(t, m.Unmodelled)
}

func TestAMutantOfTheLibraryChangesAFileOfItsModule(t *testing.T) {
	m, err := Parse("name", strings.Replace(whole, "=== fsm/task.go", "=== github.com/hashicorp/raft/commitment.go", 1))
	require.NoError(t, err)
	require.Equal(t, "github.com/hashicorp/raft/commitment.go", m.Edits[0].File)
	require.NotEmpty(t, (&Unit{}).Skip(m))
	text, err := sources(t)("github.com/hashicorp/raft/commitment.go")
	require.NoError(t, err)
	require.Contains(t, string(text), "package raft\n")
}

func TestASharedMutantChangesTheSpecificationAsItChangesTheSystem(t *testing.T) {
	text := strings.Replace(whole, "explore: no, it cannot\n", "explore: no, it cannot\nshared: yes\n", 1)
	text = strings.Replace(text, "=== sched/reconcile/next.go", "=== models/spec/step.go", 1)
	m, err := Parse("name", text)
	require.NoError(t, err)
	require.True(t, m.Shared)
	_, err = Parse("name", strings.Replace(text, "=== fsm/task.go", "=== models/spec/tree.go", 1))
	require.ErrorContains(t, err, "it edits models/spec alone")
}

func TestWhatIsNoMutantIsRefusedWithItsLine(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"P1, P18", "P20", `line 5: breaks: "P20"`},
		{"P1, P18", "P1, P1", `line 5: breaks: "P1"`},
		{"no, it cannot", "no", `line 6: explore: "no"`},
		{"known: from somewhere\n", "", "the field known is missing"},
		{"known: from somewhere\n", "known: a\nknown: b\n", "line 5: the field known stands twice"},
		{"explore: no, it cannot\n", "explore: yes\nsim: yes\n", `line 7: sim: "yes" is not "no, "`},
		{"explore: no, it cannot\n", "explore: yes\nexplores: yes\n", `line 7: "explores: yes" is no field`},
		{"fsm/task.go", "sim/plan/plan.go", "line 8: sim/plan/plan.go is not a Go file of fsm"},
		{"fsm/task.go", "models/spec/step.go", "line 8: models/spec/step.go is not"},
		{"explore: no, it cannot\n", "explore: yes\nshared: no\n", `line 7: shared: "no" is not "yes"`},
		{"explore: no, it cannot\n", "explore: yes\nshared: yes\n", "it is shared and does not edit models/spec"},
		{"fsm/task.go", "github.com/hashicorp/raft/raft_test.go", "line 8: github.com/hashicorp/raft/raft_test.go is not"},
		{"fsm/task.go", "github.com/hashicorp/raft/fuzzy/cluster.go", "line 8: github.com/hashicorp/raft/fuzzy/cluster.go is not"},
		{"fsm/task.go", "github.com/hashicorp/go-hclog/log.go", "line 8: github.com/hashicorp/go-hclog/log.go is not"},
		{"fsm/task.go", "fsm/task_test.go", "line 8: fsm/task_test.go is not"},
		{"fsm/task.go", "fsm/../../x.go", "line 8: fsm/../../x.go is not"},
		{"=== fsm/task.go\n", "", "an edit of no file"},
		{"\told\n", "", "the edit replaces nothing"},
		{"\ttwo\n", "\tone\n", "the edit changes nothing"},
		{"y\n>>>>\n", "y\n", "the edit ends without >>>>"},
		{"\n<<<<\n\tone", "\nwords\n<<<<\n\tone", `"words" stands between the edits`},
		{"What is wrong,\nin two lines.\n", "", "it does not say what is wrong"},
	} {
		require.Contains(t, whole, c.old)
		_, err := Parse("name", strings.Replace(whole, c.old, c.new, 1))
		require.ErrorContains(t, err, c.want)
		require.ErrorContains(t, err, "mutant name: ")
	}
	_, err := Dir(t.TempDir())
	require.ErrorContains(t, err, "there is no *.mutant")
	_, err = Dir(filepath.Join(t.TempDir(), "nosuchfolder"))
	require.Error(t, err)
}
