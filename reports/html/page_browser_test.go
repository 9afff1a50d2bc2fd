package html

import (
	"embed"
	"html/template"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/reports/html/browsertest"
)

//go:embed testdata/*.html testdata/*.js
var sampleFiles embed.FS

// sample writes a page that has all that the shell offers.
func samplePage(t *testing.T, change func(*page)) string {
	t.Helper()
	body, err := render(parseTemplates(sampleFiles, "testdata/*.html"), "sample.html", map[string]any{
		"Table": table{
			Caption: "Runs of three scenarios", ID: "runs", Sort: true, Cut: "97 rows are left out.",
			Columns: []column{{Title: "Scenario"}, {Title: "Runs", Number: true}, {Title: "Verdict"}},
			Rows: []row{
				{Cells: []cell{{Text: "journey-3", Link: "#main"}, {Text: "1,200", Sort: "1200"}, {Text: "✓ passed", Tone: toneGood}}},
				{Cells: []cell{{Text: "barrier"}, {Text: "20"}, {Text: "✗ violated", Tone: toneBad}}},
				{Cells: []cell{{Text: "\u202ehostile </script>"}, {Text: "7"}, {Text: "! unknown", Tone: toneWarn}}, Tone: toneMuted},
			},
		},
	})
	require.NoError(t, err)
	p := page{
		Kind: "Sample", Title: "barrier, seed 3", Lead: "All that a page may have.", Verdict: badge{Text: "P5 violated", Tone: toneBad},
		Facts: []headerFact{{Name: "Seed", Value: "3"}, {Name: "Engine", Value: "native"}}, Build: "go1.26 linux/amd64 3f2a91c0",
		Command: command{Label: "Again", Line: "go run ./cmd/dtsim run --scenario 'barrier'"},
		Body:    body, Modules: []module{{Files: sampleFiles, Name: "testdata/sample.js"}},
		Data: []dataBlock{{ID: "numbers", Type: "application/json", Text: "[1,2,3]"}},
	}
	if change != nil {
		change(&p)
	}
	return browsertest.File(t, p.write)
}

func TestTheShellInABrowser(t *testing.T) {
	browser := browsertest.Start(t)
	tab := browser.Open(t, samplePage(t, nil))
	assert.Equal(t, "6", tab.Text("#sum"), "the module has read the data")

	var ground, dark string
	const colour = "getComputedStyle(document.body).backgroundColor"
	tab.Eval(colour, &ground)
	tab.Accessible()
	tab.Scheme("dark")
	tab.Eval(colour, &dark)
	assert.NotEqual(t, ground, dark)
	tab.Accessible()
	tab.Click("#scheme")
	var toggled string
	tab.Eval(colour, &toggled)
	assert.Equal(t, ground, toggled, "the button turns what the browser prefers around")

	tab.Click("#runs th:nth-child(2) button")
	assert.Equal(t, `\u202ehostile </script>`, tab.Text("#runs tbody tr:first-child th"), "sorted by number")
	tab.Click("#runs th:nth-child(2) button")
	assert.Equal(t, "journey-3", tab.Text("#runs tbody tr:first-child th"))
	tab.Eval(`document.querySelector("#main").scrollIntoView()`, nil)
	tab.Click(".top button.copy")
	tab.Until(`document.querySelector(".top button.copy").textContent === "Copied"`)
}

func TestThePolicyRefusesWhatWasNotWritten(t *testing.T) {
	browser := browsertest.Start(t)
	tab := browser.Open(t, samplePage(t, nil))
	var ran bool
	tab.Eval(`(() => { const s = document.createElement("script");
		try { s.textContent = "window.ran = 1"; } catch { return !!window.ran; }
		document.body.append(s); return !!window.ran; })()`, &ran)
	assert.False(t, ran)
	var words string
	tab.Eval(`fetch("data:text/plain,x").then(() => "fetched", () => "refused")`, &words)
	assert.Equal(t, "refused", words)
	assert.NotEmpty(t, tab.Forgive(), "each refusal is heard")
}

func TestAPageIsReadWithoutScripts(t *testing.T) {
	tab := browsertest.Start(t).Open(t, samplePage(t, nil), browsertest.WithoutScripts)
	assert.Contains(t, tab.Seen("#runs"), "journey-3")
	assert.NotContains(t, tab.Seen("header"), "Copy", "no button that does nothing")
}

// The frame sends hello until the page listens: either may be ready first.
func TestAFrameOfAnother(t *testing.T) {
	frame := `<!doctype html><html><head><style>p { color: rgb(1, 2, 3) }</style></head><body><p id="said">nothing</p>
<script>document.getElementById("said").innerHTML = "<b>hello</b>"; setInterval(() => parent.postMessage("hello", "*"), 20)</script></body></html>`
	file := samplePage(t, func(p *page) {
		p.Body += template.HTML(`<iframe title="another" sandbox="allow-scripts" srcdoc="` + template.HTMLEscapeString(frame) + `"></iframe>`)
		p.Frames = []string{frame}
	})
	tab := browsertest.Start(t).Open(t, file)
	tab.Until(`document.documentElement.dataset.heard === "hello"`)
}
