package build

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// pointPackage is what instrumented code imports, and pointName the name it has there.
const (
	pointPackage = "dtsim/sim/stall/point"
	pointName    = "dtsimpoint"
)

// rewriterSource is part of the key of an instrumented build: what the rewriter makes of a source
// may change with it.
//
//go:embed instrument.go
var rewriterSource string

// instrumenter rewrites the sources of packages. Points stand before statements that touch
// what other goroutines may see, on the same line, so that every line keeps its number; what reads
// the time reads the clock of its node.
type instrumenter struct {
	// sites is how many points there are.
	sites int
}

// instrument returns the files of a package, by name, with points, and a new one that registers them.
func (in *instrumenter) instrument(pkg string, files map[string][]byte) (map[string][]byte, error) {
	first := in.sites
	var at []string
	var locked []int
	var name string
	out := make(map[string][]byte, len(files)+1)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		r := &rewriter{points: make(map[int]string), packages: make(map[string]string), replaced: make(map[string]bool)}
		text, err := r.rewrite(file, files[file], first+len(at))
		if err != nil {
			return nil, fmt.Errorf("instrument %s: %w", pkg, err)
		}
		out[file], name = text, r.file.Name.Name
		for _, i := range r.lockedAt {
			locked = append(locked, len(at)+i)
		}
		at = append(at, r.at...)
	}
	in.sites += len(at)
	last := path.Base(pkg)
	if strings.HasPrefix(last, "v") && len(last) > 1 && strings.Trim(last[1:], "0123456789") == "" {
		last = path.Base(path.Dir(pkg))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s\n\nimport %s %q\n\nfunc init() {\n\t%s.Register(%q, %d, []string{\n", name, pointName, pointPackage, pointName, pkg, first)
	seen := make(map[string]int)
	for _, where := range at {
		where = last + "." + where
		// The statements of one line are told apart by their number in it.
		if seen[where]++; seen[where] > 1 {
			where += "#" + strconv.Itoa(seen[where])
		}
		fmt.Fprintf(&b, "\t\t%q,\n", where)
	}
	b.WriteString("\t}, []int{")
	for _, i := range locked {
		fmt.Fprintf(&b, "%d, ", i)
	}
	b.WriteString("})\n}\n")
	out["zz_dtsim_points.go"] = b.Bytes()
	return out, nil
}

// rewriter rewrites one file.
type rewriter struct {
	fset *token.FileSet
	file *ast.File
	// points are where points are to stand, by offset: the function and the line.
	points map[int]string
	// at are those of all points, in the order of the file, lockedAt the positions of those at which
	// the function holds a lock.
	at       []string
	lockedAt []int
	// locks are from where to where functions hold locks, by offset.
	locks [][2]int
	// changes are what becomes of the text.
	changes []textChange
	// packages are the names under which the file knows packages whose functions are replaced.
	packages map[string]string
	// replaced are the names of those of which something was replaced.
	replaced map[string]bool
}

// textChange puts text in place of the bytes from from to to.
type textChange struct {
	from, to int
	text     string
}

// clockFunctions are the functions and types that package point has a version of, and a declaration
// that uses what is left of the import. A package that takes a *time.Timer from one that is not
// instrumented, or gives it one, cannot be built so.
var clockFunctions = map[string]struct {
	functions []string
	keep      string
}{
	"time":    {[]string{"Now", "Since", "Until", "Sleep", "After", "Tick", "NewTimer", "NewTicker", "AfterFunc", "Timer", "Ticker"}, "Duration"},
	"context": {[]string{"WithTimeout"}, "Context"},
}

// rewrite returns the text of a file with points, the first of which has that number.
func (r *rewriter) rewrite(name string, text []byte, first int) ([]byte, error) {
	r.fset = token.NewFileSet()
	file, err := parser.ParseFile(r.fset, name, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	r.file = file
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if _, ok := clockFunctions[imported]; err != nil || !ok {
			continue
		}
		known := imported
		if spec.Name != nil {
			known = spec.Name.Name
		}
		r.packages[known] = imported
	}
	for _, d := range file.Decls {
		r.clocks(d)
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			r.body(functionName(f), f.Body)
			r.findLocks(f.Body)
		}
	}
	for _, offset := range slices.Sorted(maps.Keys(r.points)) {
		r.change(offset, 0, fmt.Sprintf("%s.At(%d); ", pointName, first+len(r.at)))
		if slices.ContainsFunc(r.locks, func(l [2]int) bool { return l[0] < offset && offset <= l[1] }) {
			r.lockedAt = append(r.lockedAt, len(r.at))
		}
		r.at = append(r.at, r.points[offset])
	}
	if len(r.changes) == 0 {
		return text, nil
	}
	r.change(r.offset(file.Name.End()), 0, fmt.Sprintf("; import %s %q", pointName, pointPackage))
	var b bytes.Buffer
	done := 0
	slices.SortStableFunc(r.changes, func(a, b textChange) int { return cmp.Compare(a.from, b.from) })
	for _, c := range r.changes {
		b.Write(text[done:c.from])
		b.WriteString(c.text)
		done = c.to
	}
	b.Write(text[done:])
	for _, known := range slices.Sorted(maps.Keys(r.replaced)) {
		fmt.Fprintf(&b, "\nvar _ %s.%s\n", known, clockFunctions[r.packages[known]].keep)
	}
	return b.Bytes(), nil
}

func (r *rewriter) offset(p token.Pos) int { return r.fset.Position(p).Offset }

func (r *rewriter) change(from, length int, text string) {
	r.changes = append(r.changes, textChange{from, from + length, text})
}

// functionName returns the name of a function as the runtime has it: (*T).M or F.
func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	t, pointer := f.Recv.List[0].Type, false
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t, pointer = x.X, true
		case *ast.ParenExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			if pointer {
				return "(*" + x.Name + ")." + f.Name.Name
			}
			return x.Name + "." + f.Name.Name
		default:
			return f.Name.Name
		}
	}
}

// clocks replaces what reads the time.
func (r *rewriter) clocks(d ast.Decl) {
	ast.Inspect(d, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		id, ok := s.X.(*ast.Ident)
		if !ok || id.Obj != nil { // a variable of that name
			return true
		}
		imported, ok := r.packages[id.Name]
		if ok && slices.Contains(clockFunctions[imported].functions, s.Sel.Name) {
			r.replaced[id.Name] = true
			r.change(r.offset(id.Pos()), len(id.Name), pointName)
		}
		return true
	})
}

// body puts points into the body of a function and of those that are made in it.
func (r *rewriter) body(function string, body *ast.BlockStmt) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch s := n.(type) {
		case *ast.IfStmt:
			guard := shared(s.Init) || shared(s.Cond)
			r.guarded(function, guard, s.Body)
			if e, ok := s.Else.(*ast.BlockStmt); ok {
				r.guarded(function, guard, e)
			}
		case *ast.ForStmt:
			r.guarded(function, shared(s.Cond), s.Body)
		case *ast.BlockStmt:
			r.list(function, s.List)
		case *ast.CaseClause:
			r.list(function, s.Body)
		case *ast.CommClause:
			// What was received may be old by the time it is looked at.
			if len(s.Body) > 0 {
				r.point(function, s.Body[0])
			}
			r.list(function, s.Body)
		}
		return true
	})
}

// findLocks notes where a function, or one that is made in it, holds a lock: from a statement that locks
// to the first one behind that unlocks the same, or else, as when that is deferred, to the end of the
// function.
func (r *rewriter) findLocks(body *ast.BlockStmt) {
	type open struct {
		what string
		from int
	}
	var held []open
	ast.Inspect(body, func(n ast.Node) bool {
		switch s := n.(type) {
		case *ast.FuncLit:
			r.findLocks(s.Body)
			return false
		case *ast.ExprStmt:
			call, ok := s.X.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || len(call.Args) > 0 {
				return true
			}
			switch what := types.ExprString(method.X); method.Sel.Name {
			case "Lock", "RLock":
				held = append(held, open{what, r.offset(s.Pos())})
			case "Unlock", "RUnlock":
				held = slices.DeleteFunc(held, func(o open) bool {
					if o.what == what {
						r.locks = append(r.locks, [2]int{o.from, r.offset(s.Pos())})
					}
					return o.what == what
				})
			}
		}
		return true
	})
	for _, o := range held {
		r.locks = append(r.locks, [2]int{o.from, r.offset(body.End())})
	}
}

// guarded puts a point between a condition that others may change and what is done about it.
func (r *rewriter) guarded(function string, guard bool, b *ast.BlockStmt) {
	if guard && len(b.List) > 0 {
		r.point(function, b.List[0])
	}
}

// list puts points into a list of statements.
func (r *rewriter) list(function string, list []ast.Stmt) {
	for _, s := range list {
		if pointed(s) {
			r.point(function, s)
		}
	}
}

// point puts a point before a statement.
func (r *rewriter) point(function string, s ast.Stmt) {
	switch s.(type) {
	case *ast.CaseClause, *ast.CommClause: // those of a switch: there is nothing between them
		return
	}
	p := r.fset.Position(s.Pos())
	r.points[p.Offset] = function + ":" + strconv.Itoa(p.Line)
}

// pointed reports whether a point stands before a statement of a list.
func pointed(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.LabeledStmt:
		return pointed(s.Stmt)
	case *ast.ForStmt:
		// Its body has points of its own, and comes again.
		return shared(s.Init) || shared(s.Cond)
	case *ast.RangeStmt:
		return shared(s.X)
	case *ast.IfStmt:
		return shared(s.Init) || shared(s.Cond)
	case *ast.SwitchStmt:
		return shared(s.Init) || shared(s.Tag)
	case *ast.TypeSwitchStmt:
		return shared(s.Init) || shared(s.Assign)
	case *ast.SelectStmt, *ast.GoStmt:
		return true
	case *ast.BlockStmt, *ast.EmptyStmt, *ast.BranchStmt, *ast.CaseClause, *ast.CommClause:
		return false
	}
	return shared(s)
}

// shared reports whether what stands there touches what other goroutines may see: it reads or
// writes through a selector, a pointer or an index, calls something, sends or receives.
// Functions that are made there do not count, only where they are called.
func shared(n ast.Node) bool {
	if n == nil {
		return false
	}
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if id, ok := x.Fun.(*ast.Ident); ok && slices.Contains(pureBuiltins, id.Name) {
				return true
			}
			found = true
		case *ast.SelectorExpr, *ast.StarExpr, *ast.IndexExpr, *ast.SendStmt, *ast.SliceExpr:
			found = true
		case *ast.UnaryExpr:
			found = found || x.Op == token.ARROW
		}
		return !found
	})
	return found
}

var pureBuiltins = []string{
	"len", "cap", "make", "new", "min", "max", "append", "panic", "string",
	"int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "byte", "rune", "bool",
}
