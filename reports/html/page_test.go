package html

import (
	"bytes"
	"html/template"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "pgregory.net/rapid" // go test ./... -rapid.seed=N reaches every package
)

// hostile is an id that tries to be more than a text.
const hostile = "</script><script>alert(1)</script><!--\" onload='x' ' \u202egnp.exe\x00\x1b[31m{{.}}\n&amp;"

func writtenPage(t *testing.T, p page) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, p.write(&b))
	return b.String()
}

func TestWhatIsHostileIsText(t *testing.T) {
	runs := table{
		ID: hostile, Caption: hostile, Columns: []column{{Title: hostile}, {Title: hostile, Number: true}}, Cut: hostile, Sort: true,
		Rows: []row{{Cells: []cell{{Text: hostile, Link: "javascript:alert(1)"}, {Text: hostile, Sort: hostile}}}},
	}
	body, err := render(templates, "table", runs)
	require.NoError(t, err)
	line, err := render(templates, "command", command{hostile, hostile})
	require.NoError(t, err)
	got := writtenPage(t, page{
		Kind: hostile, Title: hostile, Lead: hostile, Build: hostile, Verdict: badge{hostile, toneBad}, Command: command{hostile, hostile},
		Facts: []headerFact{{Name: hostile, Value: hostile, Exact: hostile}}, Body: body + line,
	})
	for _, live := range []string{"alert(1)<", "<script>alert", `href="javascript:`, "\u202e", "\x1b"} {
		assert.False(t, strings.Contains(got, live), "%q is in the page", live)
	}
	assert.Contains(t, got, `\u202egnp.exe`)
	assert.Equal(t, 1, strings.Count(got, "</script>"), "the page's own")
}

func TestDataCannotEndItsElement(t *testing.T) {
	p := page{Title: "t", Data: []dataBlock{{"d", "application/json", `{"a":"</script>"}`}}}
	assert.ErrorContains(t, p.write(&bytes.Buffer{}), `"d" has a <`)
	got := writtenPage(t, page{Title: "t", Data: []dataBlock{{"d", "application/json", `{"a":"\u003c/script>'\"&"}`}}})
	assert.Contains(t, got, `<script type="application/json" id="d">{"a":"\u003c/script>'\"&"}</script>`, "as it was given")
}

func TestThePolicyKnowsWhatStandsInThePage(t *testing.T) {
	frame := "<style>a{}</style><script>run(\"1\")</script>"
	body := template.HTML(`<iframe sandbox="allow-scripts" srcdoc="` + template.HTMLEscapeString(frame) + `"></iframe>`)
	got := writtenPage(t, page{Title: "t", Styles: []string{".x { color: red }"}, Body: body, Frames: []string{frame}})
	_, rest, _ := strings.Cut(got, "<style>")
	style, rest, _ := strings.Cut(rest, "</style>")
	_, rest, _ = strings.Cut(rest, `<script type="module">`)
	script, _, _ := strings.Cut(rest, "</script>")
	for _, h := range []string{sourceHash(style), sourceHash(script), sourceHash("a{}"), sourceHash(`run("1")`)} {
		assert.Contains(t, got, strings.ReplaceAll(template.HTMLEscapeString(h), "+", "&#43;"))
	}
	assert.Contains(t, got, "default-src &#39;none&#39;")
	_, err := policy("", "", []string{`<script src="https://example.org/x.js"></script>`})
	assert.ErrorContains(t, err, "a script of another kind")
}

func TestModulesAreOneScript(t *testing.T) {
	files := fstest.MapFS{
		"js/a.js":    {Data: []byte("import { b } from \"./b.js\";\nimport { c } from \"./c.js\";\nexport const a = b + c;\n")},
		"js/b.js":    {Data: []byte("import { c } from \"./c.js\";\nexport const b = c;\n")},
		"js/c.js":    {Data: []byte("export const c = 1;\n")},
		"js/loop.js": {Data: []byte("import { x } from \"./loop.js\";\n")},
		"js/odd.js":  {Data: []byte("import * as all from \"./c.js\";\n")},
		"js/ends.js": {Data: []byte("const x = \"</script>\";\n")},
	}
	got, err := bundle([]module{{files, "js/a.js"}, {files, "js/b.js"}})
	require.NoError(t, err)
	assert.Equal(t, "// c.js\nconst c = 1;\n\n// b.js\nconst b = c;\n\n// a.js\nconst a = b + c;\n\n", got)
	for name, wrong := range map[string]string{
		"js/loop.js": "imports itself", "js/odd.js": "js/odd.js:1: a form of import", "js/ends.js": "could end the script", "js/none.js": "file does not exist",
	} {
		_, err := bundle([]module{{files, name}})
		assert.ErrorContains(t, err, wrong)
	}
}

func TestDurationsAsText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 15: "15 ns", 1500: "1.5 µs", 12_340_000: "12.3 ms", 1_509_277_510: "1.51 s", 119 * time.Second: "119 s",
		5*time.Minute + 30*time.Second: "5 min 30 s", 3*time.Hour + 5*time.Minute: "3 h 5 min", -1500: "−1.5 µs",
	} {
		assert.Equal(t, want, formatDuration(d))
	}
}
