package mutants

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
)

// operator changes one kind of thing.
type operator struct {
	name string
	// make returns the replacements that it has for a node itself, not for what is in it.
	make func(g *generator, n ast.Node) []replacement
}

var operators = []operator{
	{"negate", negate},
	{"drop", drop},
	{"constant", constant},
	{"comparison", comparison},
	{"connective", connective},
	{"ignore-error", ignoreError},
	{"swap-arguments", swapArguments},
	{"unlock", unlock},
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
	var list []ast.Stmt
	switch s := n.(type) {
	case *ast.BlockStmt:
		list = s.List
	case *ast.CaseClause:
		list = s.Body
	case *ast.CommClause:
		list = s.Body
	}
	var all []replacement
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt:
			if _, lock := locking(g, s); lock {
				continue // a lock that is never released, or not held, is for unlock
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

// unlock takes a lock away, where it is held to the end of the function.
func unlock(g *generator, n ast.Node) []replacement {
	block, ok := n.(*ast.BlockStmt)
	if !ok {
		return nil
	}
	var all []replacement
	for i := 1; i < len(block.List); i++ {
		what, locks := locking(g, block.List[i-1])
		_, deferred := block.List[i].(*ast.DeferStmt)
		behind, unlocks := locking(g, block.List[i])
		if locks && unlocks && deferred && what == behind {
			all = append(all, replacement{block.List[i-1].Pos(), block.List[i].End(), ""})
		}
	}
	return all
}

// locking returns the mutex that a statement locks or unlocks.
func locking(g *generator, s ast.Stmt) (mutex string, ok bool) {
	var call *ast.CallExpr
	switch s := s.(type) {
	case *ast.ExprStmt:
		call, _ = s.X.(*ast.CallExpr)
	case *ast.DeferStmt:
		call = s.Call
	}
	if call == nil {
		return "", false
	}
	selector, isMethod := call.Fun.(*ast.SelectorExpr)
	if !isMethod {
		return "", false
	}
	switch selector.Sel.Name {
	case "Lock", "Unlock", "RLock", "RUnlock":
		return g.source(selector.X), true
	}
	return "", false
}
