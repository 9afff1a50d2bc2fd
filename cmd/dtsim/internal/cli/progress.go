package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"dtsim/sim/campaign"
)

// progress shows the progress of one campaign. It is safe for concurrent use.
type progress interface {
	// Note shows a line of words.
	Note(words string)
	// Start begins the display of so many runs; -1 if the number is not known.
	Start(total int)
	// Done shows that a run has ended.
	Done(campaign.Outcome)
	// Step shows words that the next ones replace.
	Step(words string)
	// Stop ends the display.
	Stop()
}

// newProgress returns a bar for a terminal, plain lines for anything else. now reads the
// wall clock.
func newProgress(w io.Writer, terminal bool, now func() time.Time) progress {
	if terminal {
		return &bar{w: w}
	}
	return &lines{w: w, now: now}
}

// bar is a line that redraws itself.
type bar struct {
	w        io.Writer
	mu       sync.Mutex
	bar      *progressbar.ProgressBar
	violated int
	errors   int
	step     bool // there is a line to be replaced
}

func (b *bar) Note(words string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar != nil {
		b.bar.Clear()
	}
	fmt.Fprintln(b.w, words)
}

func (b *bar) Start(total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bar = progressbar.NewOptions(total,
		progressbar.OptionSetWriter(b.w),
		progressbar.OptionSetDescription("running"),
		progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░"}),
	)
}

func (b *bar) Done(o campaign.Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch o.State {
	case campaign.Violated:
		b.violated++
	case campaign.HarnessError:
		b.errors++
	}
	if o.Ablation != nil {
		b.violated++
	}
	var found []string
	if b.violated > 0 {
		found = append(found, fmt.Sprintf("%d violated", b.violated))
	}
	if b.errors > 0 {
		found = append(found, count(b.errors, "harness error"))
	}
	if len(found) > 0 {
		b.bar.Describe("running (" + strings.Join(found, ", ") + ")")
	}
	b.bar.Add(1)
}

func (b *bar) Step(words string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintf(b.w, "\r\x1b[2K%s", words)
	b.step = true
}

func (b *bar) Stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar != nil {
		b.bar.Clear()
		b.bar.Exit()
		b.bar = nil
	}
	if b.step {
		fmt.Fprint(b.w, "\r\x1b[2K")
		b.step = false
	}
}

// lines prints a line now and then, and one for each run that did not hold.
type lines struct {
	w     io.Writer
	mu    sync.Mutex
	now   func() time.Time
	total int
	done  int
	last  time.Time
}

// pace is how far apart the lines of an undisturbed campaign are.
const pace = 5 * time.Second

func (l *lines) Note(words string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.w, words)
}

func (l *lines) Start(total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total, l.last = total, l.now()
	if total >= 0 {
		fmt.Fprintf(l.w, "%d to run\n", total)
	}
}

func (l *lines) Done(o campaign.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done++
	if o.State != campaign.Passed {
		fmt.Fprintf(l.w, "%s: %s\n", o.Run, o.State)
	}
	if less := o.Ablation; less != nil {
		fmt.Fprintf(l.w, "%s: %s\n", less.Run, less.State)
	}
	if now := l.now(); l.done == l.total || now.Sub(l.last) >= pace {
		l.last = now
		if l.total < 0 {
			fmt.Fprintf(l.w, "%d done\n", l.done)
			return
		}
		fmt.Fprintf(l.w, "%d of %d done\n", l.done, l.total)
	}
}

func (l *lines) Step(words string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.now(); now.Sub(l.last) >= pace {
		l.last = now
		fmt.Fprintln(l.w, words)
	}
}

func (l *lines) Stop() {}
