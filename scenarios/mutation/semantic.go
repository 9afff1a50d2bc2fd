package mutation

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// semantic are the operators of [Semantic] mutants: each makes what somebody could have written who
// has understood almost everything. Beside one token they change, they leave everything in order; the
// kinds are those of bugs that were found in published code, not of slips of the pen.
var semantic = []operator{
	{name: "forget-condition", make: forgetCondition},
	{name: "forget-term", make: forgetTerm},
	{name: "at-equality", make: atEquality},
	{name: "other-field", make: otherField},
	{name: "other-constant", make: otherConstant},
	{name: "key-field", make: keyField},
	{name: "stale-value", make: staleValue},
	{name: "kept-on-return", make: keptOnReturn},
	{name: "twice", make: twice},
	{name: "reorder", make: reorder},
	{name: "reverse", make: reverse},
	{name: "first-only", make: firstOnly},
	{name: "alias", make: alias},
	{name: "map-order", make: mapOrder},
	{name: "late-write", make: lateWrite},
	{name: "limit", make: limit},
	{name: "split-lock", make: splitLock, unmodelled: "it is never in two places at once"},
	{name: "other-case", make: otherCase},
}

// ordinal matches names of what orders what happens.
var ordinal = regexp.MustCompile(`(?i)(version|term|index|seq|number|attempt|generation|incarnation|revision|expir|deadline|instant|time|until|age|epoch|at)$`)

// orders reports whether an operand is about the order of things, by its name or type.
func (g *generator) orders(e ast.Expr) bool {
	if t := g.pkg.TypesInfo.TypeOf(e); t != nil && (t.String() == "time.Time" || t.String() == "time.Duration") {
		return true
	}
	switch e := e.(type) {
	case *ast.Ident:
		return ordinal.MatchString(e.Name)
	case *ast.SelectorExpr:
		return ordinal.MatchString(e.Sel.Name)
	case *ast.CallExpr:
		return g.orders(e.Fun)
	case *ast.ParenExpr:
		return g.orders(e.X)
	}
	return false
}

// forgetCondition leaves out one of several conditions: a guard that has almost all of its cases.
func forgetCondition(g *generator, n ast.Node) []replacement {
	e, ok := n.(*ast.BinaryExpr)
	if !ok || e.Op != token.LAND && e.Op != token.LOR {
		return nil
	}
	if g.ordered(e.X) || g.ordered(e.Y) {
		return nil // for forgetTerm
	}
	return []replacement{{e.Pos(), e.End(), g.source(e.X)}, {e.Pos(), e.End(), g.source(e.Y)}}
}

// ordered reports whether a condition compares versions, terms, indices or times.
func (g *generator) ordered(e ast.Expr) bool {
	b, ok := e.(*ast.BinaryExpr)
	return ok && comparisons[b.Op] != "" && (g.orders(b.X) || g.orders(b.Y))
}

// forgetTerm leaves out a comparison of versions, terms, indices or times.
func forgetTerm(g *generator, n ast.Node) []replacement {
	switch s := n.(type) {
	case *ast.BinaryExpr:
		if s.Op != token.LAND && s.Op != token.LOR {
			return nil
		}
		var all []replacement
		if g.ordered(s.X) {
			all = append(all, replacement{s.Pos(), s.End(), g.source(s.Y)})
		}
		if g.ordered(s.Y) {
			all = append(all, replacement{s.Pos(), s.End(), g.source(s.X)})
		}
		return all
	case *ast.IfStmt:
		if s.Else == nil && s.Init == nil && g.ordered(s.Cond) {
			return []replacement{{s.Cond.Pos(), s.Cond.End(), "false && " + g.source(s.Cond)}}
		}
	}
	return nil
}

// atEquality decides otherwise where two versions, terms, indices or times are the same, and takes the newer
// for the same.
func atEquality(g *generator, n ast.Node) []replacement {
	e, ok := n.(*ast.BinaryExpr)
	if !ok || !g.ordered(e) {
		return nil
	}
	t := g.pkg.TypesInfo.TypeOf(e.X)
	basic, ok := t.Underlying().(*types.Basic)
	if !ok || basic.Info()&types.IsOrdered == 0 {
		return nil
	}
	others := map[token.Token][]string{
		token.LSS: {"<="}, token.LEQ: {"<"}, token.GTR: {">="}, token.GEQ: {">"}, token.EQL: {"<=", ">="}, token.NEQ: {"<", ">"},
	}
	var all []replacement
	for _, op := range others[e.Op] {
		all = append(all, replacement{e.OpPos, e.OpPos + token.Pos(len(e.Op.String())), op})
	}
	return all
}

// otherField takes a field of the same type instead.
func otherField(g *generator, n ast.Node) []replacement {
	e, ok := n.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	selection := g.pkg.TypesInfo.Selections[e]
	if selection == nil || selection.Kind() != types.FieldVal || len(selection.Index()) != 1 {
		return nil
	}
	t := selection.Recv()
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return nil
	}
	var all []replacement
	for f := range s.Fields() {
		if f.Name() != e.Sel.Name && !f.Embedded() && types.Identical(f.Type(), selection.Type()) && (f.Exported() || f.Pkg() == g.pkg.Types) {
			all = append(all, replacement{e.Sel.Pos(), e.Sel.End(), f.Name()})
		}
	}
	return all
}

// otherConstant takes another constant, or another error, of the same type and package instead.
func otherConstant(g *generator, n ast.Node) []replacement {
	e, ok := n.(*ast.Ident)
	if !ok {
		return nil
	}
	used := g.pkg.TypesInfo.Uses[e]
	if used == nil || used.Pkg() == nil || used.Parent() != used.Pkg().Scope() {
		return nil
	}
	_, constant := used.(*types.Const)
	if !constant && !(strings.HasPrefix(e.Name, "Err") && used.Type().String() == "error") {
		return nil
	}
	if _, named := used.Type().(*types.Named); !named && constant {
		return nil
	}
	scope := used.Pkg().Scope()
	var all []replacement
	for _, name := range scope.Names() {
		o := scope.Lookup(name)
		if o == used || !types.Identical(o.Type(), used.Type()) || used.Pkg() != g.pkg.Types && !o.Exported() {
			continue
		}
		if _, c := o.(*types.Const); c == constant && (c || strings.HasPrefix(name, "Err")) {
			all = append(all, replacement{e.Pos(), e.End(), name})
		}
	}
	return all
}

// keyField makes a value without one of its fields: a key that tells less apart, a request without what
// identifies it.
func keyField(g *generator, n ast.Node) []replacement {
	e, ok := n.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	t := g.pkg.TypesInfo.TypeOf(e)
	if t == nil {
		return nil
	}
	if s, ok := t.Underlying().(*types.Struct); !ok || s.NumFields() < 2 {
		return nil
	}
	var all []replacement
	for _, element := range e.Elts {
		switch element := element.(type) {
		case *ast.KeyValueExpr:
			all = append(all, g.zero(element.Value)...)
		case ast.Expr:
			all = append(all, g.zero(element)...)
		}
	}
	return all
}

// zero replaces a value by the zero value of its type.
func (g *generator) zero(e ast.Expr) []replacement {
	t := g.pkg.TypesInfo.TypeOf(e)
	if t == nil {
		return nil
	}
	text := ""
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsString != 0:
			text = `""`
		case u.Info()&types.IsNumeric != 0:
			text = "0"
		case u.Info()&types.IsBoolean != 0:
			text = "false"
		}
	case *types.Slice, *types.Map, *types.Pointer, *types.Signature, *types.Interface, *types.Chan:
		text = "nil"
	}
	if text == "" || g.source(e) == text {
		return nil
	}
	return []replacement{{e.Pos(), e.End(), text}}
}

// staleValue uses a value that was read before it changed.
func staleValue(g *generator, n ast.Node) []replacement {
	list := statements(n)
	var all []replacement
	for i, s := range list {
		var changed ast.Expr
		switch s := s.(type) {
		case *ast.AssignStmt:
			if len(s.Lhs) != 1 || s.Tok == token.DEFINE {
				continue
			}
			changed = s.Lhs[0]
		case *ast.IncDecStmt:
			changed = s.X
		default:
			continue
		}
		if id, ok := changed.(*ast.Ident); ok && id.Name == "_" || g.pkg.TypesInfo.TypeOf(changed) == nil {
			continue
		}
		text := g.source(changed)
		if i+1 >= len(list) {
			continue
		}
		// The next use, as a value, in what follows.
		var use ast.Expr
		for _, t := range list[i+1:] {
			ast.Inspect(t, func(m ast.Node) bool {
				if a, ok := m.(*ast.AssignStmt); ok {
					for _, r := range a.Rhs {
						use = g.find(use, r, text)
					}
					return false
				}
				if e, ok := m.(ast.Expr); ok {
					use = g.find(use, e, text)
					return false
				}
				return use == nil
			})
			if use != nil {
				break
			}
		}
		if use == nil {
			continue
		}
		name := "stale" + strconv.Itoa(i)
		all = append(all, replacement{
			s.Pos(), use.End(),
			name + " := " + text + "\n" + g.text[g.place(s.Pos()):g.place(use.Pos())] + name,
		})
	}
	return all
}

// find returns found, or else the first place in an expression where a text stands as an expression of its own.
func (g *generator) find(found, in ast.Expr, text string) ast.Expr {
	ast.Inspect(in, func(m ast.Node) bool {
		if _, closure := m.(*ast.FuncLit); closure || found != nil {
			return false
		}
		if u, ok := m.(*ast.UnaryExpr); ok && u.Op == token.AND {
			return false
		}
		if e, ok := m.(ast.Expr); ok && g.source(e) == text {
			found = e
			return false
		}
		return true
	})
	return found
}

// frees reports whether a statement gives something back: an entry, a slot, a lock, a channel, a context.
func (g *generator) frees(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ExprStmt:
		if r, ok := s.X.(*ast.UnaryExpr); ok && r.Op == token.ARROW {
			return true
		}
		call, ok := s.X.(*ast.CallExpr)
		if !ok {
			return false
		}
		switch f := call.Fun.(type) {
		case *ast.Ident:
			return slices.Contains([]string{"delete", "close", "clear", "cancel", "stop", "undo", "release"}, f.Name)
		case *ast.SelectorExpr:
			return slices.Contains([]string{"Unlock", "RUnlock", "Done", "Stop", "Close", "Release", "remove", "forget", "withdraw", "drop"}, f.Sel.Name)
		}
	case *ast.IncDecStmt:
		return s.Tok == token.DEC
	case *ast.AssignStmt:
		return s.Tok == token.ASSIGN && len(s.Rhs) == 1 && (g.source(s.Rhs[0]) == "nil" || g.source(s.Rhs[0]) == "false")
	}
	return false
}

// keptOnReturn keeps, on one way out, what is given back on the others; and what is given back in every
// case, where a panic or an early return comes in between.
func keptOnReturn(g *generator, n ast.Node) []replacement {
	var all []replacement
	list := statements(n)
	if len(list) > 1 {
		switch last := list[len(list)-1].(type) {
		case *ast.ReturnStmt, *ast.BranchStmt:
			for _, s := range list[:len(list)-1] {
				if g.frees(s) {
					all = append(all, replacement{s.Pos(), s.End(), ""})
				}
			}
			// What is deferred here is done before the last return only.
			for i, s := range list[:len(list)-1] {
				d, ok := s.(*ast.DeferStmt)
				if !ok || !early(list[i+1:len(list)-1]) {
					continue
				}
				between := g.text[g.place(s.End()):g.place(last.Pos())]
				all = append(all, replacement{s.Pos(), last.Pos(), between + g.source(d.Call) + "\n\t"})
			}
		}
	}
	return all
}

// early reports whether statements may return before their end.
func early(list []ast.Stmt) (found bool) {
	for _, s := range list {
		ast.Inspect(s, func(m ast.Node) bool {
			switch m.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ReturnStmt:
				found = true
			}
			return !found
		})
	}
	return found
}

// twice handles something a second time.
func twice(g *generator, n ast.Node) []replacement {
	var all []replacement
	for _, s := range statements(n) {
		switch s := s.(type) {
		case *ast.ExprStmt:
			call, ok := s.X.(*ast.CallExpr)
			if !ok || g.wording(call) || g.frees(s) {
				continue
			}
			if mutex, _ := acquired(g, s); mutex != "" {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE || len(s.Rhs) != 1 {
				continue
			}
			if _, ok := s.Rhs[0].(*ast.CallExpr); !ok {
				continue
			}
		default:
			continue
		}
		all = append(all, replacement{s.Pos(), s.End(), g.source(s) + "\n" + g.source(s)})
	}
	return all
}

// effect reports whether a statement changes something beyond its list.
func effect(g *generator, s ast.Stmt) bool {
	if mutex, _ := acquired(g, s); mutex != "" || releases(g, s) {
		return false
	}
	switch s := s.(type) {
	case *ast.ExprStmt:
		return !g.wording(s.X)
	case *ast.SendStmt, *ast.IncDecStmt, *ast.GoStmt:
		return true
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE
	}
	return false
}

// reorder does two things in the other order.
func reorder(g *generator, n ast.Node) []replacement {
	var all []replacement
	list := statements(n)
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if effect(g, a) && effect(g, b) {
			all = append(all, replacement{a.Pos(), b.End(), g.source(b) + "\n" + g.source(a)})
		}
	}
	return all
}

// elements returns a loop over the elements of a slice, by value.
func elements(g *generator, n ast.Node) (s *ast.RangeStmt, index, value string, ok bool) {
	s, ok = n.(*ast.RangeStmt)
	if !ok || s.Value == nil || s.Tok != token.DEFINE {
		return nil, "", "", false
	}
	t := g.pkg.TypesInfo.TypeOf(s.X)
	if t == nil {
		return nil, "", "", false
	}
	if _, slice := t.Underlying().(*types.Slice); !slice {
		return nil, "", "", false
	}
	return s, g.source(s.Key), g.source(s.Value), true
}

// reverse handles the elements of a list from its end.
func reverse(g *generator, n ast.Node) []replacement {
	s, index, value, ok := elements(g, n)
	if !ok {
		return nil
	}
	x := g.source(s.X)
	if index == "_" {
		index = "mutantIndex"
	}
	head := "for " + index + " := len(" + x + ") - 1; " + index + " >= 0; " + index + "-- {\n" + value + " := " + x + "[" + index + "]\n"
	return []replacement{{s.Pos(), s.Body.Lbrace + 1, head}}
}

// firstOnly handles the first element of a list alone, and all but the last.
func firstOnly(g *generator, n ast.Node) []replacement {
	s, ok := n.(*ast.RangeStmt)
	if !ok || len(s.Body.List) == 0 {
		return nil
	}
	last := s.Body.List[len(s.Body.List)-1]
	var all []replacement
	switch last.(type) {
	case *ast.ReturnStmt, *ast.BranchStmt:
	default:
		all = append(all, replacement{last.End(), last.End(), "\nbreak"})
	}
	if t := g.pkg.TypesInfo.TypeOf(s.X); t != nil {
		if _, slice := t.Underlying().(*types.Slice); slice {
			x := g.source(s.X)
			all = append(all, replacement{s.X.Pos(), s.X.End(), "(" + x + ")[:max(0, len(" + x + ")-1)]"})
		}
	}
	return all
}

// alias shares what was copied.
func alias(g *generator, n ast.Node) []replacement {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	lower := strings.ToLower(f.Sel.Name)
	if !strings.HasPrefix(lower, "clone") && !strings.HasPrefix(lower, "copy") {
		return nil
	}
	if len(call.Args) == 1 && types.Identical(g.pkg.TypesInfo.TypeOf(call), g.pkg.TypesInfo.TypeOf(call.Args[0])) {
		return []replacement{{call.Pos(), call.End(), g.source(call.Args[0])}}
	}
	if len(call.Args) == 0 && types.Identical(g.pkg.TypesInfo.TypeOf(call), g.pkg.TypesInfo.TypeOf(f.X)) {
		return []replacement{{call.Pos(), call.End(), g.source(f.X)}}
	}
	return nil
}

// mapOrder leaves a list in the order of the map that it comes from, or as it was.
func mapOrder(g *generator, n ast.Node) []replacement {
	var all []replacement
	for _, s := range statements(n) {
		e, ok := s.(*ast.ExprStmt)
		if !ok {
			continue
		}
		if text := g.source(e); strings.HasPrefix(text, "slices.Sort") || strings.HasPrefix(text, "sort.") {
			all = append(all, replacement{s.Pos(), s.End(), ""})
		}
	}
	call, ok := n.(*ast.CallExpr)
	if ok && strings.HasPrefix(g.source(call.Fun), "slices.Sorted") {
		all = append(all, replacement{call.Pos(), call.End(), "slices.Collect(" + g.source(call.Args[0]) + ")"})
	}
	return all
}

// lateWrite writes when the function returns: behind what tells others of it.
func lateWrite(g *generator, n ast.Node) []replacement {
	var all []replacement
	list := statements(n)
	for i, s := range list {
		if i == len(list)-1 {
			break
		}
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE || !lasting(s.Lhs...) {
				continue
			}
		case *ast.IncDecStmt:
			if !lasting(s.X) {
				continue
			}
		default:
			continue
		}
		all = append(all, replacement{s.Pos(), s.End(), "defer func() { " + g.source(s) + " }()"})
	}
	return all
}

// lasting reports whether one of the expressions is a field or an element.
func lasting(list ...ast.Expr) bool {
	return slices.ContainsFunc(list, func(e ast.Expr) bool {
		switch e.(type) {
		case *ast.SelectorExpr, *ast.IndexExpr:
			return true
		}
		return false
	})
}

// limit takes a bound away, or makes it tight.
func limit(g *generator, n ast.Node) []replacement {
	e, ok := n.(*ast.Ident)
	if !ok {
		return nil
	}
	c, ok := g.pkg.TypesInfo.Uses[e].(*types.Const)
	if !ok || c.Pkg() != g.pkg.Types || c.Parent() != c.Pkg().Scope() {
		return nil
	}
	basic, ok := c.Type().Underlying().(*types.Basic)
	if !ok || basic.Info()&types.IsNumeric == 0 {
		return nil
	}
	if named, ok := c.Type().(*types.Named); ok && named.Obj().Pkg() == g.pkg.Types {
		return nil // one of an enumeration
	}
	return []replacement{{e.Pos(), e.End(), "(" + e.Name + " * 1000)"}, {e.Pos(), e.End(), "(" + e.Name + " / 1000)"}}
}

// splitLock releases a lock in between: what was read before is acted on after.
func splitLock(g *generator, n ast.Node) []replacement {
	list := statements(n)
	var all []replacement
	for i, s := range list {
		mutex, release := acquired(g, s)
		if mutex == "" {
			continue
		}
		end := len(list)
		for j, t := range list[i+1:] {
			if g.source(t) == mutex+release {
				end = i + 1 + j
				break
			}
		}
		for j := i + 2; j < end; j++ {
			if _, deferred := list[j-1].(*ast.DeferStmt); deferred {
				continue
			}
			at := list[j].Pos()
			all = append(all, replacement{at, at, mutex + release + "\n" + g.source(s) + "\n\t"})
		}
	}
	return all
}

// otherCase leaves out a case of a switch: it is taken for the default.
func otherCase(g *generator, n ast.Node) []replacement {
	s, ok := n.(*ast.SwitchStmt)
	if !ok || s.Tag == nil {
		return nil
	}
	var all []replacement
	for _, c := range s.Body.List {
		c := c.(*ast.CaseClause)
		for i, value := range c.List {
			switch {
			case len(c.List) == 1:
				all = append(all, replacement{c.Pos(), c.End(), ""})
			case i == 0:
				all = append(all, replacement{value.Pos(), c.List[1].Pos(), ""})
			default:
				all = append(all, replacement{c.List[i-1].End(), value.End(), ""})
			}
		}
	}
	return all
}
