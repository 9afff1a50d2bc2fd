package browsertest

import (
	"regexp"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/stretchr/testify/assert"
)

// A sheet between its margins, A4, in pixels of CSS.
const sheetWidth, sheetHeight = 717, 1046

// OnPaper holds the page as it is printed against what paper asks for, and returns its
// number of sheets: it is light whatever the reader prefers, nothing is cut at an edge or
// scrolled away, nothing is a control, and what is closed is either printed all the same
// or marked as closed.
func (tab *Tab) OnPaper() (sheets int) {
	tab.t.Helper()
	for _, colours := range []string{"light", "dark"} {
		call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colours}}})
		tab.size(sheetWidth, sheetHeight)
		var seen struct {
			Ground                         string
			Wide, Cut, Silent, Interactive []string
		}
		tab.Eval(`(() => {
			const all = [...document.body.querySelectorAll("*")].filter((e) => e.checkVisibility() && !e.closest("svg, .sr, .skip, iframe"));
			const name = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + (e.className ? "." + e.className : "") + " " + e.textContent.slice(0, 40);
			return {
				ground: getComputedStyle(document.body).backgroundColor,
				wide: all.filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5).map(name),
				cut: all.filter((e) => getComputedStyle(e).overflow !== "visible" && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)).map(name),
				silent: all.filter((e) => e.matches("details:not([open])") && !(e.children[1]?.checkVisibility({contentVisibilityAuto: false}) && e.children[1].getBoundingClientRect().height > 0) &&
					getComputedStyle(e.querySelector("summary"), "::after").content === "none").map(name),
				interactive: all.filter((e) => e.matches("button:not(.sort), input, select, [tabindex]:is(canvas)")).map(name),
			};
		})()`, &seen)
		assert.Equal(tab.t, "rgb(255, 255, 255)", seen.Ground, "the ground of paper, of a reader who prefers %s", colours)
		assert.Empty(tab.t, seen.Wide, "what sticks out of the sheet")
		assert.Empty(tab.t, seen.Cut, "what is scrolled away")
		assert.Empty(tab.t, seen.Silent, "closed parts without a mark")
		assert.Empty(tab.t, seen.Interactive, "controls on paper")
	}
	tab.size(1280, 800)
	tab.Scheme("light")
	document := call(tab, cdppage.PrintToPDF, cdppage.PrintToPDFParams{PrintBackground: new(true)}).Data
	return len(sheet.FindAll(document, -1))
}

// sheet begins the object of a page in a document of Chromium.
var sheet = regexp.MustCompile(`/Type\s*/Page\b`)

// size makes the window as large.
func (tab *Tab) size(width, height int64) {
	call(tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
}
