package mutation

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Exempt are the files, and the functions of files, that operators leave alone, and why: no
// change of them can be seen in what a cluster does.
var Exempt = map[string]string{
	"fsm/list.go Manager.ListDistributedTasksPayload": "for embedding programs; no node calls it",
	"fsm/list.go Manager.Task":                        "for the model checker; no node calls it",
	"fsm/predicates.go":                               "for providers and for detectors; neither manager nor scheduler calls one",
	"fsm/snapshot.go Manager.Snapshot":                "for embedding programs; a replica captures and encodes on its own",
	"fsm/task.go TaskStatus.IsCoordinationPhase":      "for providers; no node calls it",
	"sched/reconcile/memory.go Memory.AppendBinary":   "for the model checker, which distinguishes states by it; no node does",
	"sched/reconcile/memory.go Memory.Rebase":         "for the model checker; no node calls it",
	"sched/reconcile/memory.go appendString":          "of Memory.AppendBinary",
	"sched/reconcile/memory.go bit":                   "of Memory.AppendBinary",
	"sched/reconcile/runner.go Runner.AppendBinary":   "for the trace checker, which distinguishes hypotheses by it; no node does",
	"sched/reconcile/runner.go Action.appendBinary":   "of Runner.AppendBinary",
	"sched/reconcile/runner.go Runner.OldestPass":     "for the model checker; no node calls it",
	"sched/reconcile/runner.go Runner.Rebase":         "for the model checker; no node calls it",
	"sched/reconcile/runner.go Look.Rebased":          "for the model checker; no node calls it",

	"fsm/replica/doc.go":          "no code",
	"sched/gauge.go":              "a metric",
	"sched/limiter.go":            "for providers; the simulator's own do not use it",
	"sched/logging.go":            "text in a log",
	"sched/reconcile/describe.go": "descriptions",
	"sched/shard_noop.go":         "a test provider; the simulator has its own",
	"sched/shard_noop_markers.go": "a test provider; the simulator has its own",
	"sched/shard_noop_worker.go":  "a test provider; the simulator has its own",
}

// Generated is a mutant that an operator made. It may not compile.
type Generated struct {
	*Mutant
	compiles func() bool
}

// Kind is which operators make generated mutants.
type Kind string

const (
	// Small mutants change a token, a statement or a lock, all over the code.
	Small Kind = "small"
	// Semantic ones are mistakes of somebody who has understood almost everything.
	Semantic Kind = "semantic"
)

func (k Kind) operators() []operator {
	if k == Semantic {
		return semantic
	}
	return operators
}

// Generate makes every mutant that the operators of a kind make of the editable packages of the
// module in dir, sorted by name. A generated mutant may be found by any property. Its name
// is made of the place, the operator, and a hash of the text that stood there, so that it
// stays the same while the code around it changes.
//
// No library makes them. gremlins exchanges single tokens, in internal packages, and has no
// detector but go test. go-mutesting and ooze have operators to import, but none that
// ignores an error, swaps arguments or takes a lock away, and each mutates a copy of the
// tree for a test command; here an edit for -overlay is needed, with a stable name.
func Generate(dir string, kind Kind) ([]Generated, error) {
	config := &packages.Config{
		Dir: dir,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedSyntax |
			packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
	}
	var patterns []string
	for _, name := range Editable {
		patterns = append(patterns, "./"+name)
	}
	loaded, err := packages.Load(config, patterns...)
	if err != nil {
		return nil, fmt.Errorf("load the packages: %w", err)
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	var all []Generated
	for _, p := range loaded {
		if len(p.Errors) > 0 {
			return nil, fmt.Errorf("load %s: %w", p.PkgPath, p.Errors[0])
		}
		g := &generator{pkg: p, root: root, kind: kind}
		made, err := g.mutants()
		if err != nil {
			return nil, err
		}
		all = append(all, made...)
	}
	slices.SortFunc(all, func(a, b Generated) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Choose chooses n mutants that compile by a seed, as many of each operator in each
// package as of any other. A mutant that is chosen stays so while others come and go.
func Choose(all []Generated, seed uint64, n int) []*Mutant {
	rank := func(m Generated) string {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", seed, m.Name))
		return string(sum[:])
	}
	strata := map[string][]Generated{}
	for _, m := range all {
		stratum := m.Operator + " " + filepath.ToSlash(filepath.Dir(m.Edits[0].File))
		strata[stratum] = append(strata[stratum], m)
	}
	for _, list := range strata {
		slices.SortFunc(list, func(a, b Generated) int { return strings.Compare(rank(a), rank(b)) })
	}
	var chosen []*Mutant
	for left := true; left && len(chosen) < n; {
		left = false
		for _, stratum := range slices.Sorted(maps.Keys(strata)) {
			list := strata[stratum]
			for len(list) > 0 && !list[0].compiles() {
				list = list[1:]
			}
			if len(list) > 0 && len(chosen) < n {
				chosen, list, left = append(chosen, list[0].Mutant), list[1:], true
			}
			strata[stratum] = list
		}
	}
	slices.SortFunc(chosen, func(a, b *Mutant) int { return strings.Compare(a.Name, b.Name) })
	return chosen
}

// generator makes the mutants of one package.
type generator struct {
	pkg  *packages.Package
	root string
	kind Kind

	file  string // below the root, with slashes
	text  string
	index int // of the file in pkg.Syntax
	found []Generated
	names map[string]int
	in    *function // that is being mutated
}

func (g *generator) mutants() ([]Generated, error) {
	g.names = map[string]int{}
	for i, syntax := range g.pkg.Syntax {
		name := g.pkg.CompiledGoFiles[i]
		below, err := filepath.Rel(g.root, name)
		if err != nil {
			return nil, err
		}
		g.index, g.file = i, filepath.ToSlash(below)
		if Exempt[g.file] != "" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		g.text = string(text)
		for _, d := range syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				g.function(f)
			}
		}
	}
	return g.found, nil
}

// function applies every operator to every place of a function.
func (g *generator) function(f *ast.FuncDecl) {
	name := f.Name.Name
	if f.Recv != nil && len(f.Recv.List) > 0 {
		receiver, _, _ := strings.Cut(types.ExprString(f.Recv.List[0].Type), "[") // without its type parameters
		name = strings.TrimPrefix(receiver, "*") + "." + name
	}
	if Exempt[g.file+" "+name] != "" {
		return
	}
	g.in = g.describe(f)
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if n == nil || g.wording(n) {
			return false
		}
		for _, op := range g.kind.operators() {
			for _, r := range op.make(g, n) {
				g.add(name, op, r)
			}
		}
		return true
	})
}

// replacement is text in the place of other text of the current file.
type replacement struct {
	from, to token.Pos
	text     string
}

// place returns the byte offset of a position.
func (g *generator) place(p token.Pos) int { return g.pkg.Fset.Position(p).Offset }

// source is the text of a node.
func (g *generator) source(n ast.Node) string { return g.text[g.place(n.Pos()):g.place(n.End())] }

// add makes a mutant of a replacement.
func (g *generator) add(function string, op operator, r replacement) {
	from, to := g.place(r.from), g.place(r.to)
	mutated := g.text[:from] + r.text + g.text[to:]
	if mutated == g.text {
		return
	}
	old := g.text[from:to]
	sum := sha256.Sum256([]byte(old + "\x00" + r.text))
	name := fmt.Sprintf("%s-%s-%s-%s", strings.NewReplacer("/", "-", ".go", "").Replace(g.file), strings.ReplaceAll(function, ".", "-"),
		op.name, hex.EncodeToString(sum[:])[:6])
	g.names[name]++
	if n := g.names[name]; n > 1 {
		name += "-" + strconv.Itoa(n)
	}
	line := g.pkg.Fset.Position(r.from).Line
	index := g.index
	g.found = append(g.found, Generated{compiles: func() bool { return g.compiles(index, mutated) }, Mutant: &Mutant{
		Name:   name,
		Wrong:  fmt.Sprintf("%s in %s, %s:%d: %s becomes %s", op.name, function, g.file, line, oneLine(old), oneLine(r.text)),
		Known:  "generated",
		Breaks: g.breaks(op), Operator: op.name, Unmodelled: op.unmodelled,
		Edits: []Edit{{File: g.file, Old: g.text, New: mutated}},
		in:    g.in, body: g.text[g.in.body:from] + r.text + g.text[to:g.in.to],
	}})
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return "nothing"
	}
	if len(s) > 80 {
		return s[:77] + "..."
	}
	return s
}

// compiles type-checks the package with one file replaced.
func (g *generator) compiles(index int, text string) bool {
	f, err := parser.ParseFile(g.pkg.Fset, g.pkg.CompiledGoFiles[index], text, parser.SkipObjectResolution)
	if err != nil {
		return false
	}
	files := slices.Clone(g.pkg.Syntax)
	files[index] = f
	config := types.Config{Importer: importer(g.pkg.Imports)}
	_, err = config.Check(g.pkg.PkgPath, g.pkg.Fset, files, nil)
	return err == nil
}

// importer finds the packages that are loaded already.
type importer map[string]*packages.Package

func (i importer) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if p := i[path]; p != nil && p.Types != nil {
		return p.Types, nil
	}
	return nil, fmt.Errorf("%s is not loaded", path)
}
