// Package overview makes the pages of many runs: of a campaign, of a search of the model
// checker, of the mutants and who found them.
//
// A page is made of the document that the command prints with --json (package document),
// and what it shows beyond that, pictures of single runs and links to their pages, is
// handed to it. The same input gives the same bytes.
//
// What is missing comes first everywhere: situations that no run came to, properties that
// were never at stake, mutants that survive.
//
// The package reads no file and knows no command.
package overview

import (
	"embed"
	"html/template"

	"dtsim/reports/page"
)

//go:embed *.html *.css
var files embed.FS

var templates = page.Templates(files, "*.html")

// style is what the pages of this package add to the looks of the shell.
var style = func() string {
	css, err := files.ReadFile("overview.css")
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(css)
}()

// finish puts a view into the body of a page.
func finish(p *page.Page, name string, view any) (*page.Page, error) {
	body, err := page.Render(templates, name, view)
	if err != nil {
		return nil, err
	}
	p.Body, p.Styles = body, []string{style}
	return p, nil
}

// Picture is an SVG element of package page's kind: without styles and handlers.
type Picture = template.HTML
