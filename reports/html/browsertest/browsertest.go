// Package browsertest opens pages in a headless Chromium, for the tests of pages. A test
// that needs the browser is skipped if there is none, with a message.
//
// A [Tab] checks what every page guarantees: when the test ends it fails if the page
// logged an error, threw one, was refused something by its own policy, or requested
// anything but itself.
package browsertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// patience is how long a test may take with a tab: a loaded machine is slow.
const patience = 3 * time.Minute

// Browser is a running browser.
type Browser struct{ ctx context.Context }

// Start starts a browser, which ends with the test, or skips the test.
func Start(t testing.TB) *Browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no browser: chromium is not installed, so no page was opened")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.WindowSize(1280, 800), chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("font-render-hinting", "none"))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeAll := chromedp.NewContext(ctx)
	t.Cleanup(func() { closeAll(); stop() })
	require.NoError(t, chromedp.Do(ctx), "the browser starts")
	return &Browser{ctx}
}

// File writes a page into a file, which ends with the test.
func File(t testing.TB, write func(io.Writer) error) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "page.html")
	f, err := os.Create(name)
	require.NoError(t, err)
	require.NoError(t, write(f))
	require.NoError(t, f.Close())
	return name
}

// Tab is a page that is open.
type Tab struct {
	t   testing.TB
	ctx context.Context

	mu     sync.Mutex
	faults []string
	// Asked counts the requests; the page itself is one.
	asked int
}

// Open opens a page from a file, 1280 by 800, light.
func (b *Browser) Open(t testing.TB, file string, options ...Option) *Tab {
	t.Helper()
	file, err := filepath.Abs(file)
	require.NoError(t, err)
	self := (&url.URL{Scheme: "file", Path: file}).String()
	ctx, closeTab := chromedp.NewContext(b.ctx)
	ctx, cancel := context.WithTimeout(ctx, patience)
	tab := &Tab{t: t, ctx: ctx}
	require.NoError(t, chromedp.Do(ctx))
	require.NoError(t, chromedp.Listen(ctx, func(event any) { tab.hear(event, self) }))
	t.Cleanup(func() {
		cancel()
		closeTab()
		tab.mu.Lock()
		defer tab.mu.Unlock()
		for _, f := range tab.faults {
			t.Errorf("the page: %s", f)
		}
		if tab.asked != 1 {
			t.Errorf("the page asked for %d documents, not for itself alone", tab.asked)
		}
	})
	call(tab, network.Enable, network.EnableParams{})
	call(tab, runtime.Enable, cdp.Empty{})
	call(tab, log.Enable, cdp.Empty{})
	call(tab, performance.Enable, performance.EnableParams{TimeDomain: "threadTicks"})
	tab.size(1280, 800)
	tab.Scheme("light")
	for _, o := range options {
		o(tab)
	}
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(self)))
	return tab
}

// hear takes in what a page must not do.
func (tab *Tab) hear(event any, self string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	fault := func(format string, args ...any) { tab.faults = append(tab.faults, fmt.Sprintf(format, args...)) }
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if strings.HasPrefix(e.Request.URL, "data:") || e.Request.URL == "about:srcdoc" {
			return
		}
		tab.asked++
		if e.Request.URL != self {
			fault("asked for %s", e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		words := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			words += " " + x.Description
		}
		fault("threw %s", words)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			var words []string
			for _, a := range e.Args {
				words = append(words, string(a.Value)+a.Description)
			}
			fault("said %s", strings.Join(words, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			fault("logged %s", e.Entry.Text)
		}
	}
}

// call runs a command of the protocol; the test ends when it fails.
func call[P, R any](tab *Tab, command cdp.Command[P, R], params P) R {
	tab.t.Helper()
	r, err := chromedp.Call(tab.ctx, command, params)
	require.NoError(tab.t, err)
	return r
}

// Eval evaluates an expression, which may be a promise, into a pointer; nil for none.
func (tab *Tab) Eval(expression string, into any) {
	tab.t.Helper()
	r := call(tab, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, AwaitPromise: new(true), ReturnByValue: new(into != nil)})
	if x := r.ExceptionDetails; x != nil {
		words := x.Text
		if x.Exception != nil {
			words += " " + x.Exception.Description
		}
		require.Fail(tab.t, words)
	}
	if into != nil {
		require.NoError(tab.t, json.Unmarshal([]byte(r.Result.Value), into), "%s is %s", expression, r.Result.Value)
	}
}

// Click clicks into the middle of the first element of a selector, where something else
// may be in front of it.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	var at struct{ X, Y float64 }
	tab.Eval(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: "nearest"});
		const r = e.getBoundingClientRect(); return {x: r.x + r.width / 2, y: r.y + r.height / 2}; })()`, selector), &at)
	require.NoError(tab.t, chromedp.Do(tab.ctx, chromedp.MouseClickXY(at.X, at.Y)))
}

// Press presses keys, one after the other; those without a character are in package kb.
func (tab *Tab) Press(keys ...string) {
	tab.t.Helper()
	for _, k := range keys {
		require.NoError(tab.t, chromedp.Do(tab.ctx, chromedp.KeyEvent(k)))
	}
}

// Seen returns the text of the first element of a selector as a reader sees it.
func (tab *Tab) Seen(selector string) string {
	tab.t.Helper()
	text, err := chromedp.Run(tab.ctx, chromedp.Text(selector))
	require.NoError(tab.t, err)
	return text
}

// Text returns the text of the first element of a selector.
func (tab *Tab) Text(selector string) (text string) {
	tab.t.Helper()
	tab.Eval(fmt.Sprintf("document.querySelector(%q)?.textContent ?? '(no %s)'", selector, selector), &text)
	return text
}

// Until waits for an expression to be true.
func (tab *Tab) Until(expression string) {
	tab.t.Helper()
	for range 200 {
		var holds bool
		tab.Eval("!!("+expression+")", &holds)
		if holds {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	require.Fail(tab.t, "it never came to "+expression)
}

// Busy returns how long the page's thread has been at work, in time of the processor: a
// measure that other processes do not disturb much.
func (tab *Tab) Busy() time.Duration {
	tab.t.Helper()
	for _, m := range call(tab, performance.GetMetrics, cdp.Empty{}).Metrics {
		if m.Name == "TaskDuration" {
			return time.Duration(m.Value * float64(time.Second))
		}
	}
	require.Fail(tab.t, "the browser does not report how long it was busy")
	return 0
}

// Scheme makes the browser prefer "light" or "dark" colours.
func (tab *Tab) Scheme(colours string) {
	tab.t.Helper()
	call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: colours}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// Screen writes a picture of what is seen, 1280 by 800, as PNG.
func (tab *Tab) Screen(file string) {
	tab.t.Helper()
	r := call(tab, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{})
	require.NoError(tab.t, os.WriteFile(file, r.Data, 0o644))
}

// Painted returns the colours that are seen in the place of the first element of a
// selector, as "#rrggbb", of what fits on the screen.
func (tab *Tab) Painted(selector string) map[string]bool {
	tab.t.Helper()
	var at struct{ X, Y, Width, Height float64 }
	tab.Eval(fmt.Sprintf(`(({x, y, width, height}) => ({x, y, width, height}))(document.querySelector(%q).getBoundingClientRect())`, selector), &at)
	picture, err := png.Decode(bytes.NewReader(call(tab, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{}).Data))
	require.NoError(tab.t, err)
	seen := make(map[string]bool)
	area := image.Rect(int(at.X)+2, int(at.Y)+2, int(at.X+at.Width)-2, int(at.Y+at.Height)-2).Intersect(picture.Bounds())
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			r, g, b, _ := picture.At(x, y).RGBA()
			seen[fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)] = true
		}
	}
	return seen
}

// Option is how a page is opened.
type Option func(*Tab)

// WithoutScripts opens a page that runs no scripts.
func WithoutScripts(tab *Tab) {
	call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// Forgive returns what the page has done so far that it must not, and forgets it: for
// tests that make it do so.
func (tab *Tab) Forgive() []string {
	time.Sleep(100 * time.Millisecond) // until it is heard
	tab.mu.Lock()
	defer tab.mu.Unlock()
	faults := tab.faults
	tab.faults = nil
	return faults
}
