// Package page is the shell that every page of a report stands in: one HTML file that
// holds all it needs and asks nobody for anything.
//
// Its one invariant: what a run says is shown, never obeyed. Texts go through
// [html/template] or the DOM, and the page's own policy (a meta element) allows the
// styles and scripts that were in it when it was written, by their hashes, and nothing
// else: no request, no handler in an attribute, no style attribute, no HTML from
// strings. What should vary in looks has a class, or an attribute of SVG.
//
// The package knows nothing about runs. A kind of page brings a template, styles,
// modules and data of its own:
//
//	var templates = page.Templates(files, "*.html")
//
//	body, err := page.Render(templates, "campaign.html", view)
//	p := page.Page{Kind: "Campaign", Title: "...", Body: body, Modules: []page.Module{{Files: files, Name: "campaign.js"}}}
//	err = p.Write(w)
//
// Templates of a kind may use the parts of the shell: {{template "badge" .Verdict}},
// {{template "command" .Command}}, {{template "table" .Table}}, and the functions of
// [Templates].
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
)

//go:embed shell
var shell embed.FS

// Page is one page. Title and Body must be there.
type Page struct {
	// Kind is what the page is of, in a word or two: "Run", "Campaign".
	Kind  string
	Title string
	// Lead is a sentence below the title.
	Lead string
	// Verdict is what came of it; the zero Verdict has no badge.
	Verdict Verdict
	// Facts are what one looks up: seed, engine, hash.
	Facts []Fact
	// Command is what makes this again; the zero Command is left out.
	Command Command
	// Build is the build that all this is of.
	Build string
	// Body is what is in the main element; see [Render].
	Body template.HTML
	// Wide lets the body have the whole width of the window. A narrow page is as wide as
	// text is comfortable.
	Wide bool
	// Styles come behind those of the shell.
	Styles []string
	// Modules run when the document is there.
	Modules []Module
	// Data are for the modules to read.
	Data []Data
	// Frames are documents of others that the body shows in an <iframe srcdoc>: their
	// scripts and styles are allowed as they are.
	Frames []string
}

// Tone says how something is meant; looks follow it. It is never said by colour alone.
type Tone string

// The tones.
const (
	Plain  Tone = ""
	Good   Tone = "good"
	Bad    Tone = "bad"
	Warn   Tone = "warn"
	Muted  Tone = "muted"
	Strong Tone = "strong"
)

// Verdict is what came of something, as a badge.
type Verdict struct {
	Text string
	Tone Tone
}

// Fact is something to look up. Exact is shown when the pointer rests on it.
type Fact struct {
	Name, Value, Exact string
	Mono               bool
}

// Command is a line for a shell, copied with one click.
type Command struct{ Label, Line string }

// Data is something for the modules of a page: a block that they find by its id. The
// text must not have a "<" in it: JSON of [encoding/json] and base64 have none.
type Data struct{ ID, Type, Text string }

// Render executes a template of a kind of page.
func Render(t *template.Template, name string, data any) (template.HTML, error) {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("page: %w", err)
	}
	return template.HTML(b.String()), nil
}

// Templates parses the templates of a kind of page, beside the parts of the shell. It
// panics on one that cannot be parsed, as the files are part of the program. Functions:
//
//	count 1234567    1,234,567
//	dur 1.5s         1.5 s; of a time.Duration, as exact as one can read
//	bytes 12345      12.1 kB
//	share 3 4        75%
//	show text        the text with invisible characters made visible
func Templates(files fs.FS, patterns ...string) *template.Template {
	t := template.Must(template.New("").Funcs(funcs).ParseFS(shell, "shell/*.html"))
	if files == nil {
		return t
	}
	return template.Must(t.ParseFS(files, patterns...))
}

// document is what the template of the shell is given.
type document struct {
	*Page
	Policy string
	Style  template.CSS
	Script template.JS
	Blocks []block
}

// block is data as it stands in the page.
type block struct {
	ID, Type string
	Text     template.JS
}

var templates = Templates(nil)

// Write writes the page. The same page is the same bytes.
func (p *Page) Write(w io.Writer) error {
	d := document{Page: p}
	style, err := fs.ReadFile(shell, "shell/shell.css")
	if err != nil {
		return err
	}
	for _, s := range p.Styles {
		style = append(append(style, '\n'), s...)
	}
	d.Style = template.CSS("\n" + string(style))
	script, err := bundle(append([]Module{{Files: shell, Name: "shell/shell.js"}}, p.Modules...))
	if err != nil {
		return err
	}
	d.Script = template.JS("\n" + script)
	for _, b := range p.Data {
		if bytes.ContainsRune([]byte(b.Text), '<') {
			return fmt.Errorf("page: the data %q has a < in it, and could end its element", b.ID)
		}
		d.Blocks = append(d.Blocks, block{b.ID, b.Type, template.JS(b.Text)})
	}
	if d.Policy, err = policy(string(d.Style), string(d.Script), p.Frames); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, "shell.html", d); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}
