package mutation

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ChoiceVariable is the variable of the environment that chooses a mutant of a
// [Program], by [Program.Choice].
const ChoiceVariable = "DTSIM_MUTANT"

// Program is the system with many generated mutants in it, one of which is chosen when
// it starts, or none. Building it takes as long as building one of them.
type Program struct {
	// Files is the content of the files that differ from the system's, by their path.
	Files map[string]string
	// choices are the mutants by name.
	choices map[string]string
}

// Choice is the value of [ChoiceVariable] that chooses a mutant.
func (p Program) Choice(name string) string { return p.choices[name] }

// Together puts generated mutants into one program: behind each function stand its mutants,
// and the function begins by calling the one that is chosen, if any. (Untch, Offutt and Harrold, Mutation analysis using mutant schemata, 1993, do so within
// expressions; a whole function serves every operator.)
func Together(all []*Mutant) (Program, error) {
	p := Program{Files: map[string]string{}, choices: map[string]string{}}
	files := map[string]*composed{}
	for i, m := range all {
		if m.in == nil {
			return Program{}, fmt.Errorf("mutant %s: no operator made it", m.Name)
		}
		file := files[m.in.file]
		if file == nil {
			file = &composed{text: m.in.text}
			files[m.in.file] = file
		}
		choice := strconv.Itoa(i + 1)
		p.choices[m.Name] = choice
		file.add(m.in, choice, m.body)
	}
	chooses := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		folder := name[:strings.LastIndexByte(name, '/')]
		p.Files[name] = files[name].compose(!chooses[folder])
		chooses[folder] = true
	}
	return p, nil
}

// function is a function of the system, in a file.
type function struct {
	file, text string
	// Offsets in text: of the package clause's end, of the whole function, of its name, and
	// behind the brace that opens its body.
	clause, from, to, nameFrom, nameTo, body int
	// naming gives names to parameters that have none.
	naming []insertion
	// before and after are the call of another function with the same arguments, but for
	// its name.
	before, after string
	results       bool
}

// insertion replaces the text between two offsets.
type insertion struct {
	from, to int
	text     string
}

// function describes a declaration of the current file.
func (g *generator) describe(f *ast.FuncDecl) *function {
	d := &function{
		file: g.file, text: g.text,
		clause: g.place(g.pkg.Syntax[g.index].Name.End()),
		from:   g.place(f.Pos()), to: g.place(f.End()),
		nameFrom: g.place(f.Name.Pos()), nameTo: g.place(f.Name.End()), body: g.place(f.Body.Lbrace) + 1,
		results: f.Type.Results.NumFields() > 0,
	}
	if f.Recv != nil {
		d.before = strings.Join(d.names(g, f.Recv), "") + "."
	}
	if f.Type.TypeParams != nil {
		d.after = "[" + strings.Join(d.names(g, f.Type.TypeParams), ", ") + "]"
	}
	d.after += "(" + strings.Join(d.names(g, f.Type.Params), ", ") + ")"
	return d
}

// names are those of fields, given where there are none.
func (d *function) names(g *generator, list *ast.FieldList) []string {
	var names []string
	for _, field := range list.List {
		given := func(from, to token.Pos, space string) string {
			name := "mutantArgument" + strconv.Itoa(len(d.naming))
			d.naming = append(d.naming, insertion{g.place(from), g.place(to), name + space})
			return name
		}
		more := ""
		if _, variadic := field.Type.(*ast.Ellipsis); variadic {
			more = "..."
		}
		if len(field.Names) == 0 {
			names = append(names, given(field.Type.Pos(), field.Type.Pos(), " ")+more)
		}
		for _, name := range field.Names {
			if name.Name == "_" {
				names = append(names, given(name.Pos(), name.End(), "")+more)
			} else {
				names = append(names, name.Name+more)
			}
		}
	}
	return names
}

// composed is a file with the mutants of its functions.
type composed struct {
	text      string
	functions []*function
	// calls are what the functions begin with, mutants the functions behind them.
	calls   map[*function]string
	mutants string
}

// add adds a mutant of a function; body is that of the mutant, from behind its brace to
// the end of the function.
func (c *composed) add(d *function, choice, body string) {
	if c.calls == nil {
		c.calls = map[*function]string{}
	}
	if c.calls[d] == "" {
		c.functions = append(c.functions, d)
	}
	name := d.text[d.nameFrom:d.nameTo] + "Mutant" + choice
	call := d.before + name + d.after
	if d.results {
		call = "return " + call
	} else {
		call += "; return"
	}
	c.calls[d] += fmt.Sprintf(" case %q: %s;", choice, call)
	c.mutants += "\n\n" + d.text[d.from:d.nameFrom] + name + d.text[d.nameTo:d.body] + body
}

// compose returns the file; chooses is set for the one file of its package that reads the
// environment.
func (c *composed) compose(chooses bool) string {
	var all []insertion
	for _, d := range c.functions {
		all = append(append(all, d.naming...), insertion{d.body, d.body, " switch mutantChoice {" + c.calls[d] + " };"})
	}
	end := c.mutants + "\n"
	if chooses {
		clause := c.functions[0].clause
		all = append(all, insertion{clause, clause, "\n\nimport mutantOS \"os\"\n"})
		end += "\nvar mutantChoice = mutantOS.Getenv(\"" + ChoiceVariable + "\")\n"
	}
	slices.SortStableFunc(all, func(a, b insertion) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, i := range all {
		b.WriteString(c.text[at:i.from] + i.text)
		at = i.to
	}
	return b.String() + c.text[at:] + end
}
