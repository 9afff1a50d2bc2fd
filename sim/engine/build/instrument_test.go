package build

import (
	"go/parser"
	"go/token"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const plainSource = `package sample

import (
	"context"
	"sync"
	clock "time"
)

type queue[T any] struct {
	mu   sync.Mutex
	list []T
	ch   chan T
}

func (q *queue[T]) add(v T) int {
	n := 1
	n++
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list = append(q.list, v)
	return n
}

func (q *queue[T]) loop(ctx context.Context) {
again:
	for {
		select {
		case v := <-q.ch:
			q.add(v)
		case <-clock.After(clock.Second):
			continue again
		case <-ctx.Done():
			return
		}
		if len(q.list) > 3 {
			break
		} else if q.list == nil {
			panic("nothing")
		}
	}
	go func() { q.add(*new(T)) }()
}

func local(a, b int) int {
	clock := struct{ Now func() int }{func() int { return a }}
	if a > b {
		a = b
	}
	switch {
	case a == b:
		a = clock.Now(); b++
	}
	return a
}
`

func TestPointsStandWhereOthersMaySeeWhatHappens(t *testing.T) {
	var in instrumenter
	files, err := in.instrument("example.com/a/sample", map[string][]byte{"sample.go": []byte(plainSource)})
	require.NoError(t, err)
	text := string(files["sample.go"])

	lines, plain := strings.Split(text, "\n"), strings.Split(plainSource, "\n")
	at := func(part string) string {
		for i, line := range plain {
			if strings.Contains(line, part) {
				return lines[i]
			}
		}
		t.Fatalf("no line %q", part)
		return ""
	}
	for i, line := range plain {
		kept := strings.TrimSpace(strings.NewReplacer("clock.After", "dtsimpoint.After").Replace(line))
		require.True(t, strings.Contains(lines[i], kept) || strings.Contains(kept, "package") || strings.Contains(kept, "{ q.add"),
			"line %d keeps its number: %q has become %q", i+1, line, lines[i])
	}
	for _, shared := range []string{"q.mu.Lock()", "defer q.mu", "q.list = append", "q.add(v)", "continue again", "break", "go func", "a = clock.Now()"} {
		require.Contains(t, at(shared), "dtsimpoint.At(", "before %q", shared)
	}
	for _, own := range []string{"n := 1", "n++", "return n", "a = b"} {
		require.NotContains(t, at(own), "dtsimpoint", "before %q", own)
	}
	require.Contains(t, at("clock.After"), "dtsimpoint.After(clock.Second)")
	require.NotContains(t, at("a = clock.Now()"), "dtsimpoint.Now", "that is a variable")

	registered := string(files["zz_dtsim_points.go"])
	require.Contains(t, registered, `"sample.(*queue).add:18"`)
	require.Contains(t, registered, `"sample.(*queue).loop:41#2"`, "the function that is started stands on the same line")
	require.Equal(t, in.sites, strings.Count(registered, `"sample.`))
	require.Equal(t, in.sites, strings.Count(text, "dtsimpoint.At("))
	for name, file := range files {
		_, err := parser.ParseFile(token.NewFileSet(), name, file, parser.AllErrors)
		require.NoError(t, err)
	}
}

func TestSitesAreNumberedThroughAllPackages(t *testing.T) {
	var in instrumenter
	one := map[string][]byte{"a.go": []byte("package a\n\nfunc f(p *int) { *p = 1 }\n"), "b.go": []byte("package a\n\nfunc g(p *int) { *p = 2 }\n")}
	first, err := in.instrument("example.com/a", one)
	require.NoError(t, err)
	second, err := in.instrument("example.com/b/v2", map[string][]byte{"c.go": []byte("package b\n\nfunc h(p *int) { *p = 3 }\n")})
	require.NoError(t, err)
	require.Contains(t, string(first["b.go"]), "dtsimpoint.At(1); ")
	require.Contains(t, string(second["c.go"]), "dtsimpoint.At(2); ")
	require.Contains(t, string(second["zz_dtsim_points.go"]), `"b.h:3"`)
	require.Contains(t, string(second["zz_dtsim_points.go"]), `Register("example.com/b/v2", 2, `)
}

func TestASourceThatIsNoGoIsRefused(t *testing.T) {
	var in instrumenter
	_, err := in.instrument("example.com/a", map[string][]byte{"a.go": []byte("package a\n\nfunc {\n")})
	require.ErrorContains(t, err, "instrument example.com/a: a.go:3")
}

func TestAPackageThatIsNotThereCannotBeInstrumented(t *testing.T) {
	r, _ := order(module(t), t.TempDir())
	r.Instrument = []string{"fmt"}
	points, err := r.points([]*listed{{ImportPath: "fmt", Standard: true}})
	require.Empty(t, points)
	require.ErrorContains(t, err, "instrument fmt: that is no package of the program")
}

// dependency writes a module with a dependency that lies beside it, of two versions.
func dependency(t *testing.T) (dir, other string) {
	dir, old := t.TempDir(), t.TempDir()
	other = t.TempDir()
	for folder, word := range map[string]string{old: "old", other: "new"} {
		write(t, folder, "go.mod", "module example.com/dep\n\ngo 1.24\n")
		write(t, folder, "dep.go", "package dep\n\nconst Word = \""+word+"\"\n")
	}
	write(t, dir, "go.mod", "module tiny\n\ngo 1.24\n\nrequire example.com/dep v1.0.0\n\nreplace example.com/dep => "+old+"\n")
	write(t, dir, "main.go", "package main\n\nimport \"example.com/dep\"\n\nfunc main() { print(dep.Word) }\n")
	return dir, other
}

func TestAGuestIsBuiltWithAnotherVersionOfADependency(t *testing.T) {
	dir, other := dependency(t)
	r, _ := order(dir, t.TempDir())
	before, err := exec.Command("cat", dir+"/go.mod").Output()
	require.NoError(t, err)
	first, err := Make(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, "old", output(t, first))

	r.With = []Replacement{{Module: "example.com/dep", Path: other}}
	second, err := Make(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, "new", output(t, second))
	require.NotEqual(t, first.ID, second.ID)
	again, err := Make(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, second, again)

	r.With = nil
	r.Edits = Edits{"example.com/dep/dep.go": "package dep\n\nconst Word = \"edited\"\n"}
	third, err := Make(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, "edited", output(t, third), "a dependency can be edited, too")
	r.Edits = Edits{"example.com/dep/gone.go": "package dep\n"}
	_, err = Make(t.Context(), r)
	require.ErrorContains(t, err, "edit of example.com/dep/gone.go")

	after, err := exec.Command("cat", dir+"/go.mod").Output()
	require.NoError(t, err)
	require.Equal(t, before, after, "the module stays as it is")
}

func TestReplacementsAreRead(t *testing.T) {
	r, err := ParseReplacement("example.com/dep@v1.2.3")
	require.NoError(t, err)
	require.Equal(t, Replacement{Module: "example.com/dep", Version: "v1.2.3"}, r)
	require.Equal(t, "example.com/dep@v1.2.3", r.String())
	r, err = ParseReplacement("example.com/dep=/some/where")
	require.NoError(t, err)
	require.Equal(t, Replacement{Module: "example.com/dep", Path: "/some/where"}, r)
	for _, bad := range []string{"", "example.com/dep", "@v1", "example.com/dep@", "=x"} {
		_, err := ParseReplacement(bad)
		require.ErrorContains(t, err, "is neither MODULE@VERSION nor MODULE=PATH")
	}
}
