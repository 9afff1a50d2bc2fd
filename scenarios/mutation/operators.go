package mutation

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// operator changes one kind of thing.
type operator struct {
	name string
	// make returns the replacements that it has for a node itself, not for what is in it.
	make func(g *generator, n ast.Node) []replacement
	// unmodelled is why the model checker cannot find its mutants.
	unmodelled string
}

// breaks are what a mutant of an operator may be found by: any property, and a data race if it is
// semantic or lacks a lock.
func (g *generator) breaks(op operator) []string {
	if op.name == unlockName || g.kind == Semantic {
		return append(slices.Clone(Properties), Race)
	}
	return Properties
}

const unlockName = "unlock"

var operators = []operator{
	{name: "negate", make: negate},
	{name: "drop", make: drop},
	{name: "constant", make: constant},
	{name: "comparison", make: comparison},
	{name: "connective", make: connective},
	{name: "ignore-error", make: ignoreError},
	{name: "swap-arguments", make: swapArguments},
	{name: unlockName, make: unlock, unmodelled: "it is never in two places at once"},
}

// wording reports whether a node only chooses words: a call that takes anything, as fmt.Errorf
// and loggers do. No property is about the text of a message.
func (g *generator) wording(n ast.Node) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	signature, ok := g.pkg.TypesInfo.TypeOf(call.Fun).(*types.Signature)
	if !ok || !signature.Variadic() {
		return false
	}
	last, ok := signature.Params().At(signature.Params().Len() - 1).Type().(*types.Slice)
	if !ok {
		return false
	}
	i, ok := last.Elem().Underlying().(*types.Interface)
	return ok && i.Empty()
}

// negate turns a condition round.
func negate(g *generator, n ast.Node) []replacement {
	var condition ast.Expr
	switch s := n.(type) {
	case *ast.IfStmt:
		condition = s.Cond
	case *ast.ForStmt:
		condition = s.Cond
	}
	if condition == nil {
		return nil
	}
	return []replacement{{condition.Pos(), condition.End(), "!(" + g.source(condition) + ")"}}
}

// drop leaves a statement out.
func drop(g *generator, n ast.Node) []replacement {
	var all []replacement
	for _, s := range statements(n) {
		switch s := s.(type) {
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt:
			if mutex, _ := acquired(g, s); mutex != "" || releases(g, s) {
				continue // a lock that is never released, or not held, is for unlock
			}
			if e, ok := s.(*ast.ExprStmt); ok && g.wording(e.X) {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		default:
			continue
		}
		all = append(all, replacement{s.Pos(), s.End(), ""})
	}
	return all
}

// constant swaps a constant for its neighbour.
func constant(g *generator, n ast.Node) []replacement {
	switch e := n.(type) {
	case *ast.BasicLit:
		if e.Kind == token.INT {
			if v, err := strconv.ParseInt(e.Value, 0, 64); err == nil {
				return []replacement{{e.Pos(), e.End(), strconv.FormatInt(v+1, 10)}}
			}
		}
	case *ast.Ident:
		if object := g.pkg.TypesInfo.Uses[e]; object != nil && object.Parent() == types.Universe {
			switch e.Name {
			case "true":
				return []replacement{{e.Pos(), e.End(), "false"}}
			case "false":
				return []replacement{{e.Pos(), e.End(), "true"}}
			case "min":
				return []replacement{{e.Pos(), e.End(), "max"}}
			case "max":
				return []replacement{{e.Pos(), e.End(), "min"}}
			}
		}
	}
	return nil
}

// comparisons are what a comparison becomes: another bound, or the opposite.
var comparisons = map[token.Token]string{
	token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">", token.EQL: "!=", token.NEQ: "==",
}

// comparison is off by one, or the other way round.
func comparison(g *generator, n ast.Node) []replacement {
	e, ok := n.(*ast.BinaryExpr)
	if !ok || comparisons[e.Op] == "" {
		return nil
	}
	return []replacement{{e.OpPos, e.OpPos + token.Pos(len(e.Op.String())), comparisons[e.Op]}}
}

// connective makes and of or, and or of and; and minus of plus.
func connective(g *generator, n ast.Node) []replacement {
	e, ok := n.(*ast.BinaryExpr)
	if !ok {
		return nil
	}
	others := map[token.Token]string{token.LAND: "||", token.LOR: "&&", token.ADD: "-", token.SUB: "+"}
	if others[e.Op] == "" {
		return nil
	}
	return []replacement{{e.OpPos, e.OpPos + token.Pos(len(e.Op.String())), others[e.Op]}}
}

// ignoreError goes on where an error was returned.
func ignoreError(g *generator, n ast.Node) []replacement {
	s, ok := n.(*ast.IfStmt)
	if !ok || s.Else != nil || len(s.Body.List) != 1 {
		return nil
	}
	if _, returns := s.Body.List[0].(*ast.ReturnStmt); !returns {
		return nil
	}
	condition, ok := s.Cond.(*ast.BinaryExpr)
	if !ok || condition.Op != token.NEQ || g.source(condition.Y) != "nil" {
		return nil
	}
	t := g.pkg.TypesInfo.TypeOf(condition.X)
	if t == nil || t.String() != "error" {
		return nil
	}
	text := "_ = " + g.source(condition.X)
	if s.Init != nil {
		text = "{\n" + g.source(s.Init) + "\n" + text + "\n}"
	}
	return []replacement{{s.Pos(), s.End(), text}}
}

// swapArguments swaps neighbours of one type.
func swapArguments(g *generator, n ast.Node) []replacement {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	var all []replacement
	for i := 1; i < len(call.Args); i++ {
		a, b := call.Args[i-1], call.Args[i]
		ta, tb := g.pkg.TypesInfo.TypeOf(a), g.pkg.TypesInfo.TypeOf(b)
		if ta == nil || tb == nil || !types.Identical(ta, tb) || g.source(a) == g.source(b) {
			continue
		}
		if _, isMax := g.pkg.TypesInfo.Uses[identOf(call.Fun)].(*types.Builtin); isMax {
			continue // min and max do not care
		}
		all = append(all, replacement{a.Pos(), b.End(), g.source(b) + ", " + g.source(a)})
	}
	return all
}

func identOf(e ast.Expr) *ast.Ident {
	i, _ := e.(*ast.Ident)
	return i
}

// unlock takes a lock away that the same list of statements releases, with defer at once
// or later.
func unlock(g *generator, n ast.Node) []replacement {
	var all []replacement
	list := statements(n)
	for i, s := range list {
		mutex, release := acquired(g, s)
		if mutex == "" {
			continue
		}
		for _, t := range list[i+1:] {
			between := g.text[g.place(s.End()):g.place(t.Pos())]
			if text := g.source(t); text == mutex+release || text == "defer "+mutex+release {
				all = append(all, replacement{s.Pos(), t.End(), strings.TrimSpace(between)})
				break
			} else if strings.Contains(text, mutex+release) {
				break // on some ways out only
			}
		}
	}
	return all
}

// acquired returns the mutex that a statement locks, and the call that releases it; or
// nothing.
func acquired(g *generator, s ast.Stmt) (mutex, release string) {
	text := g.source(s)
	if mutex, ok := strings.CutSuffix(text, ".RLock()"); ok {
		return mutex, ".RUnlock()"
	}
	if mutex, ok := strings.CutSuffix(text, ".Lock()"); ok {
		return mutex, ".Unlock()"
	}
	return "", ""
}

// releases reports whether a statement releases a mutex, now or deferred.
func releases(g *generator, s ast.Stmt) bool {
	text := g.source(s)
	return strings.HasSuffix(text, ".Unlock()") || strings.HasSuffix(text, ".RUnlock()")
}

// statements are those of a node that is a list of them.
func statements(n ast.Node) []ast.Stmt {
	switch s := n.(type) {
	case *ast.BlockStmt:
		return s.List
	case *ast.CaseClause:
		return s.Body
	case *ast.CommClause:
		return s.Body
	}
	return nil
}
