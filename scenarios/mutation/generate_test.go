package mutation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is a module with a package for every folder that mutants may change.
func small(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	write("go.mod", "module small\n\ngo 1.24\n")
	for _, name := range Editable {
		write(name+"/doc.go", "package "+filepath.Base(name)+"\n")
	}
	write("fsm/code.go", "package fsm\n\nimport (\n\t\"fmt\"\n\t\"slices\"\n\t\"sync\"\n)\n\nvar _ = fmt.Sprint\n\nvar mu sync.Mutex\n\nfunc swap(a, b int, c string) error { return nil }\n\n"+
		"type pair struct { left, right int }\n\ntype kind string\n\nconst (\n\tkindA kind = \"a\"\n\tkindB kind = \"b\"\n\tbound = 3\n)\n\nvar list []int\n\nvar _ = slices.Max[[]int]\n\n"+text)
	return dir
}

// operatorCase is what an operator is to make of the body of func(a, b int) (r int).
type operatorCase struct {
	operator, body string
	want           []string
}

func TestSmallMutants(t *testing.T) {
	operate(t, Small, []operatorCase{
		{"negate", "if a == b { r = 1 }", []string{"if !(a == b) { r = 1 }"}},
		{"negate", "for a < b { a++ }", []string{"for !(a < b) { a++ }"}},
		{"drop", "r = a\nmu.Lock()\nr++", []string{"mu.Lock() r++", "r = a mu.Lock()"}},
		{"drop", "q := a; _ = q", []string{}}, // it would not compile
		{"constant", "r = 7", []string{"r = 8"}},
		{"constant", "if true { r = a }", []string{"if false { r = a }"}},
		{"constant", "r = min(a, b)", []string{"r = max(a, b)"}},
		{"comparison", "if a < b { r = a }", []string{"if a <= b { r = a }"}},
		{"comparison", "if a == b { r = a }", []string{"if a != b { r = a }"}},
		{"connective", "if a > b && b > a { r = a + b }", []string{"if a > b && b > a { r = a - b }", "if a > b || b > a { r = a + b }"}},
		{"ignore-error", "if err := swap(a, b, \"\"); err != nil { return }", []string{"{ err := swap(a, b, \"\") _ = err }"}},
		{"ignore-error", "if a != 0 { return }", []string{}},
		{"swap-arguments", "_ = swap(a, b, \"\")", []string{"_ = swap(b, a, \"\")"}},
		{"unlock", "mu.Lock()\ndefer mu.Unlock()\nr = a", []string{"r = a"}},
		{"unlock", "mu.Lock()\nr = a\nmu.Unlock()\nr++", []string{"r = a r++"}},
		{"unlock", "switch { case a > b: mu.Lock(); defer mu.Unlock(); r = a }", []string{"switch { case a > b: ;; r = a }"}},
		{"unlock", "mu.Lock()\nif a > b { mu.Unlock(); return }\nr = a\nmu.Unlock()", []string{}},
		{"negate", "mu.Lock()\nmu.Unlock()", []string{}},
		{"drop", "mu.Lock()\ndefer mu.Unlock()", []string{}},
		{"drop", "fmt.Println(a + 1, a == b)", []string{}}, // words
		{"constant", "fmt.Println(a + 1)", []string{}},
	})
}

func TestSemanticMutants(t *testing.T) {
	operate(t, Semantic, []operatorCase{
		{"forget-condition", "if a == 1 && b == 2 { r = 1 }", []string{"if a == 1 { r = 1 }", "if b == 2 { r = 1 }"}},
		{"forget-term", "version := a\n_ = version\nif b == 2 && version < r { r = 1 }", []string{"version := a _ = version if b == 2 { r = 1 }"}},
		{"forget-term", "version := a\nif version < r { r = 1 }", []string{"version := a if false && version < r { r = 1 }"}},
		{"at-equality", "version := a\nif version < r { r = 1 }", []string{"version := a if version <= r { r = 1 }"}},
		{"at-equality", "if a < r { r = 1 }", []string{}},
		{"other-field", "p := pair{}\nr = p.left", []string{"p := pair{} r = p.right"}},
		{"other-constant", "k := kindA\n_ = k", []string{"k := kindB _ = k"}},
		{"key-field", "_ = pair{left: a, right: 1}", []string{"_ = pair{left: 0, right: 1}", "_ = pair{left: a, right: 0}"}},
		{"stale-value", "r = 1\na = 5\nb = a + 1", []string{"r = 1 stale1 := a a = 5 b = stale1 + 1"}},
		{"kept-on-return", "if a > b { list = nil; return }", []string{"if a > b { ; return }"}},
		{"kept-on-return", "mu.Lock()\ndefer mu.Unlock()\nif a > b { return 1 }", []string{"mu.Lock() if a > b { return 1 } mu.Unlock()"}},
		{"twice", "swap(a, b, \"\")", []string{"swap(a, b, \"\") swap(a, b, \"\")"}},
		{"reorder", "a = 1\nr = 2", []string{"r = 2 a = 1"}},
		{"reverse", "for i, x := range []int{1, 2} { r = i + x }", []string{"for i := len([]int{1, 2}) - 1; i >= 0; i-- { x := []int{1, 2}[i] r = i + x }"}},
		{"first-only", "for _, x := range list { r += x }", []string{"for _, x := range list { r += x break }", "for _, x := range (list)[:max(0, len(list)-1)] { r += x }"}},
		{"alias", "l := slices.Clone(list)\n_ = l", []string{"l := list _ = l"}},
		{"map-order", "slices.Sort(list)\nr = 1", []string{"r = 1"}},
		{"late-write", "p := pair{}\np.left = 1\nr = 2", []string{"p := pair{} defer func() { p.left = 1 }() r = 2"}},
		{"limit", "r = bound", []string{"r = (bound * 1000)", "r = (bound / 1000)"}},
		{"split-lock", "mu.Lock()\ndefer mu.Unlock()\na = 1\nr = 2", []string{"mu.Lock() defer mu.Unlock() a = 1 mu.Unlock() mu.Lock() r = 2", "mu.Lock() defer mu.Unlock() a = 1 r = 2 mu.Unlock() mu.Lock()"}},
		{"other-case", "switch a { case 1, 2: r = 1; case 3: r = 2 }", []string{"switch a { case 2: r = 1; case 3: r = 2 }", "switch a { case 1: r = 1; case 3: r = 2 }", "switch a { case 1, 2: r = 1; }"}},
	})
}

// operate compares what operators make of bodies with what they are to make.
func operate(t *testing.T, kind Kind, cases []operatorCase) {
	const begin, end = "(a, b int) (r int) {\n", "\n\treturn\n}\n"
	var text strings.Builder
	for i, c := range cases {
		fmt.Fprintf(&text, "func f%d%s%s%s", i, begin, c.body, end)
	}
	all, err := Generate(small(t, text.String()), kind)
	require.NoError(t, err)
	chosen := Choose(all, 1, len(all))
	for i, c := range cases {
		bodies := []string{}
		for _, m := range chosen {
			if !strings.HasPrefix(m.Name, fmt.Sprintf("fsm-code-f%d-%s-", i, c.operator)) {
				continue
			}
			require.Equal(t, "fsm/code.go", m.Edits[0].File)
			_, body, _ := strings.Cut(m.Edits[0].New, fmt.Sprintf("func f%d%s", i, begin))
			body, _, _ = strings.Cut(body, end)
			bodies = append(bodies, strings.Join(strings.Fields(body), " "))
		}
		require.ElementsMatch(t, c.want, bodies, "%s of %s", c.operator, c.body)
	}
}

func TestASampleKeepsItsMutantsWhileOthersComeAndGo(t *testing.T) {
	const body = "func f(a, b int) (r int) {\n\tif a < b { r = 1 }\n\tif a > b { r = 2 }\n\tif a == b { r = 3 }\n\treturn\n}\n"
	names := func(text string, n int) (names []string) {
		all, err := Generate(small(t, text), Small)
		require.NoError(t, err)
		for _, m := range Choose(all, 7, n) {
			names = append(names, m.Name)
		}
		return names
	}
	few := names(body, 4)
	require.Len(t, few, 4)
	require.Equal(t, few, names(body, 4))
	require.Subset(t, names(body, 6), few)
	require.Equal(t, few, names("// Lines above move the code.\n\n"+body, 4))

	all, err := Generate(small(t, body), Small)
	require.NoError(t, err)
	require.Len(t, Choose(all, 7, 1000), len(all), "no more than there are")
	require.NotEqual(t, Choose(all, 7, 4), Choose(all, 8, 4))
}

func TestWhatIsLeftAloneIsThere(t *testing.T) {
	source := sources(t)
	for name := range Exempt {
		file, function, named := strings.Cut(name, " ")
		text, err := source(file)
		require.NoError(t, err)
		if !named {
			continue
		}
		if kind, method, ok := strings.Cut(function, "."); ok {
			require.Regexp(t, `func \(\w+ \*?`+kind+`(\[\w+\])?\) `+method+`\(`, string(text), name)
		} else {
			require.Contains(t, string(text), "func "+function+"(", name)
		}
	}
}

func TestNotes(t *testing.T) {
	n, err := ParseNotes("# words\n\nequivalent a-b: it is the same\nsurvivor c: two tasks\n")
	require.NoError(t, err)
	require.Equal(t, Notes{
		Equivalent: map[string]string{"a-b": "it is the same"}, Next: map[string]string{"c": "two tasks"},
	}, n)
	for _, text := range []string{"equivalent a:\n", "equivalent: x\n", "other a: x\n", "survivor a x\n"} {
		_, err := ParseNotes("# one\n" + text)
		require.ErrorContains(t, err, "notes: line 2: ")
	}
	_, err = ParseNotes("survivor a: x\nsurvivor a: y\n")
	require.ErrorContains(t, err, "line 2: a stands twice")
}

func TestNotesAreOfMutantsThatThereAre(t *testing.T) {
	n, err := Known()
	require.NoError(t, err)
	there := map[string]bool{}
	for _, kind := range []Kind{Small, Semantic} {
		all, err := Generate(filepath.Join("..", ".."), kind)
		require.NoError(t, err)
		for _, m := range all {
			require.False(t, there[m.Name], m.Name)
			there[m.Name] = true
		}
	}
	written, err := Historic()
	require.NoError(t, err)
	for _, m := range written {
		there[m.Name] = true
	}
	for _, notes := range []map[string]string{n.Equivalent, n.Next} {
		for name := range notes {
			require.True(t, there[name], "%s: the code has changed, detector it again", name)
		}
	}
	for name := range n.Next {
		require.Empty(t, n.Equivalent[name], "%s is equivalent or survives", name)
	}
}
