// Package html writes the pages of reports: of a run, of a campaign, of a search of the
// model checker, of the mutants. A page is one file that holds all it needs and requests
// nothing.
//
// Its one invariant: texts of a run are shown and never interpreted. They go through
// [html/template] or the DOM, and the page's own policy (a meta element) allows the styles
// and scripts that were in it when it was written, by their hashes, and nothing else: no
// request, no handler in an attribute, no style attribute, no HTML from strings. What varies
// in looks has a class, or an attribute of SVG.
//
// A page of a run is made of a [timeline.Timeline], the others of the document that the
// command prints with --json; pictures of single runs and links to their pages are handed
// in. The same input gives the same bytes. Missing things come first: situations that no run
// reached, properties that were never exercised, surviving mutants.
//
// The package reads no file and knows no command.
package html

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
)

// assets are the parts of pages: shell, which every page has, run, and overview for the
// pages of many runs.
//
//go:embed shell run overview
var assets embed.FS

// page is one page. Title and Body are required.
type page struct {
	// Kind is the subject in a word or two: "Run", "Campaign".
	Kind  string
	Title string
	// Lead is a sentence below the title.
	Lead string
	// Verdict is the result; the zero badge is left out.
	Verdict badge
	// Facts are for looking up: seed, engine, hash.
	Facts []headerFact
	// Command reproduces the subject; the zero command is left out.
	Command command
	// Build is the build of the subject.
	Build string
	// Body is the content of the main element; see [render].
	Body template.HTML
	// Wide gives the body the whole width of the window, not a comfortable width of text.
	Wide bool
	// Styles are appended to those of the shell.
	Styles []string
	// Modules run when the document is loaded.
	Modules []module
	// Data are for the modules to read.
	Data []dataBlock
	// Frames are documents that the body shows in an <iframe srcdoc>: the policy allows
	// their scripts and styles.
	Frames []string
}

// tone is a meaning that a class shows; it is never shown by colour alone.
type tone string

const (
	tonePlain  tone = ""
	toneGood   tone = "good"
	toneBad    tone = "bad"
	toneWarn   tone = "warn"
	toneMuted  tone = "muted"
	toneStrong tone = "strong"
)

// badge is a result.
type badge struct {
	Text string
	Tone tone
}

// headerFact is a fact in the header. Exact is its tooltip.
type headerFact struct {
	Name, Value, Exact string
	Mono               bool
}

// command is a line for a shell, with a button that copies it.
type command struct{ Label, Line string }

// dataBlock is data for the modules of a page, found by its id. The text must not have a
// "<" in it: JSON of [encoding/json] and base64 have none.
type dataBlock struct{ ID, Type, Text string }

// templates are those of all pages.
var templates = parseTemplates(assets, "run/*.html", "overview/*.html")

// parseTemplates parses templates beside those of the shell, which define "badge",
// "command" and "table". It panics if one does not parse. Functions:
//
//	count 1234567    1,234,567
//	dur 1.5s         1.5 s; of a time.Duration
//	show text        the text with invisible characters made visible
func parseTemplates(files fs.FS, patterns ...string) *template.Template {
	t := template.Must(template.New("").Funcs(funcs).ParseFS(assets, "shell/*.html"))
	return template.Must(t.ParseFS(files, patterns...))
}

// render executes a template.
func render(t *template.Template, name string, data any) (template.HTML, error) {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("html: %w", err)
	}
	return template.HTML(b.String()), nil
}

// asset returns a file of the program.
func asset(name string) string {
	content, err := assets.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(content)
}

// overview makes a page of many runs of a template and its data.
func overview(p *page, name string, data any) (*page, error) {
	body, err := render(templates, name, data)
	if err != nil {
		return nil, err
	}
	p.Body, p.Styles = body, []string{asset("overview/overview.css")}
	return p, nil
}

// shellData is the data of the shell's template.
type shellData struct {
	*page
	Policy string
	Style  template.CSS
	Script template.JS
	Blocks []dataElement
}

// dataElement is a data block as the template writes it.
type dataElement struct {
	ID, Type string
	Text     template.JS
}

// write writes the page. The same page gives the same bytes.
func (p *page) write(w io.Writer) error {
	d := shellData{page: p}
	style := asset("shell/shell.css")
	for _, s := range p.Styles {
		style += "\n" + s
	}
	d.Style = template.CSS("\n" + style)
	script, err := bundle(append([]module{{Files: assets, Name: "shell/shell.js"}}, p.Modules...))
	if err != nil {
		return err
	}
	d.Script = template.JS("\n" + script)
	for _, b := range p.Data {
		if bytes.ContainsRune([]byte(b.Text), '<') {
			return fmt.Errorf("html: the data %q has a < in it, and could end its element", b.ID)
		}
		d.Blocks = append(d.Blocks, dataElement{b.ID, b.Type, template.JS(b.Text)})
	}
	if d.Policy, err = policy(string(d.Style), string(d.Script), p.Frames); err != nil {
		return err
	}
	body, err := render(templates, "shell.html", d)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, string(body))
	return err
}
