package cli

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"dtsim/sim/campaign"
)

// TestGolden runs the scripts in testdata. Their directives:
//
//	engine native|sealed [build=B] [unavailable='why'] [spoil=(SCENARIO/SEED:FLAW)]
//	file NAME        write a file with the input as its content
//	cut NAME BYTES   take the last bytes off a file; what is left is the file "cut", but
//	                 for a journal, which stays where it is
//	dtsim            run a command line, the input, in an empty directory
//	files            list the files there are
//	cat NAME         print a file
//	remove NAME      remove a file or folder
//	page NAME        print the title, the headings and the links to other files of a page
//
// Hashes come out as h1, h2, ... in the order they first appear, and the situations
// that no fake engine comes to as "all at 0"; how a search grew depends on the machine.
func TestGolden(t *testing.T) {
	scripts, err := filepath.Abs("testdata")
	require.NoError(t, err)
	datadriven.Walk(t, scripts, func(t *testing.T, path string) {
		t.Chdir(t.TempDir())
		t.Setenv("TMPDIR", t.TempDir())
		s := newStage()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return s.mask(s.perform(t, d))
		})
	})
}

// stage is where a script plays.
type stage struct {
	native, sealed *fakeEngine
	names          map[string]string
}

func newStage() *stage {
	return &stage{
		native: &fakeEngine{name: "native", build: "build-1", speed: 500},
		sealed: &fakeEngine{name: "sealed", build: "build-1", speed: 40},
		names:  map[string]string{},
	}
}

func (s *stage) perform(t *testing.T, d *datadriven.TestData) string {
	name := func() string { return d.CmdArgs[0].Key }
	switch d.Cmd {
	case "engine":
		e := map[string]*fakeEngine{"native": s.native, "sealed": s.sealed}[name()]
		e.spoilt = map[string]string{}
		e.unavailable = ""
		d.MaybeScanArgs(t, "build", &e.build)
		d.MaybeScanArgs(t, "unavailable", &e.unavailable)
		for _, arg := range d.CmdArgs {
			if arg.Key != "spoil" {
				continue
			}
			for _, v := range arg.Vals {
				run, flaw, _ := strings.Cut(v, ":")
				e.spoilt[run] = flaw
			}
		}
		return ""
	case "file":
		require.NoError(t, os.MkdirAll(filepath.Dir(name()), 0o755))
		require.NoError(t, os.WriteFile(name(), []byte(d.Input), 0o644))
		return ""
	case "cut":
		content, err := os.ReadFile(s.find(t, name()))
		require.NoError(t, err)
		var n int
		d.ScanArgs(t, "bytes", &n)
		target := "cut"
		if filepath.Base(name()) == campaign.JournalFile {
			target = name() // a journal is found by its directory
		}
		require.NoError(t, os.WriteFile(target, content[:len(content)-n], 0o644))
		return ""
	case "dtsim":
		var args []string
		for _, word := range strings.Fields(d.Input) {
			if strings.Contains(word, "#") {
				word = s.find(t, word)
			}
			args = append(args, word)
		}
		seen := s.command(t.Context(), args)
		require.Zero(t, s.native.opened+s.sealed.opened, "every engine is closed")
		return seen
	case "files":
		var names []string
		require.NoError(t, filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				names = append(names, path)
			}
			return err
		}))
		return strings.Join(names, "\n")
	case "remove":
		require.NoError(t, os.RemoveAll(s.find(t, name())))
		return ""
	case "page":
		content, err := os.ReadFile(s.find(t, name()))
		require.NoError(t, err)
		var seen []string
		for _, m := range headings.FindAllStringSubmatch(string(content), -1) {
			seen = append(seen, strings.TrimSpace(html.UnescapeString(tags.ReplaceAllString(m[0], " "))))
			if link := strings.Trim(m[1], `"`); link != "" {
				seen[len(seen)-1] += " -> " + link
			}
		}
		return strings.Join(seen, "\n")
	case "cat":
		content, err := os.ReadFile(s.find(t, name()))
		require.NoError(t, err)
		return string(content)
	}
	d.Fatalf(t, "no directive %q", d.Cmd)
	return ""
}

// find returns the one file a pattern matches in which # stands for anything.
func (s *stage) find(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(strings.ReplaceAll(pattern, "#", "*"))
	require.NoError(t, err)
	require.Len(t, found, 1, pattern)
	return found[0]
}

// command runs a command line and returns everything that can be seen of it.
func (s *stage) command(parent context.Context, args []string) string {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	s.native.interrupt, s.sealed.interrupt = cancel, cancel
	now := time.Unix(0, 0)
	var stdout, stderr bytes.Buffer
	status := Main(ctx, Environment{
		Stdout: &stdout, Stderr: &stderr, Jobs: 1,
		Now:    func() time.Time { now = now.Add(time.Second); return now },
		Native: s.native.open, Sealed: s.sealed.open,
	}, args)
	out := stdout.String()
	if stderr.Len() > 0 {
		for line := range strings.Lines(stderr.String()) {
			out += "stderr: " + line
		}
	}
	return out + fmt.Sprintf("exit status %d", status)
}

var (
	fullHash  = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	shortHash = regexp.MustCompile(`-([0-9a-f]{8})\b`)
	noGoals   = regexp.MustCompile(`"sometimes": {\n(?:\s*"[^"\n]+": 0,?\n)+\s*}`)
	noRows    = regexp.MustCompile(`(?m)(?:^(?:stderr: )? {4}0  .*\n)+`)
	cases     = regexp.MustCompile(`(?s)"tried": \[.*?\n  \]`)
	untried   = regexp.MustCompile(`never tried: \d+ of \d+`)
	growing   = regexp.MustCompile(`(?s)"growth": \[.*?\n  \]`)
	headings  = regexp.MustCompile(`(?m)^<title>.*?</title>|<h[23][^>]*>.*?</h[23]>|<a href=("[^#"][^"]*")>.*?</a>`)
	tags      = regexp.MustCompile(`<[^>]*>`)
	refuge    = regexp.MustCompile(`/\S*/dtsim-\d+/`)
)

// mask replaces what changes whenever a plan or a trace is written another way.
func (s *stage) mask(text string) string {
	name := func(hash string) string {
		key := hash[:8]
		if s.names[key] == "" {
			s.names[key] = fmt.Sprintf("h%d", len(s.names)+1)
		}
		return s.names[key]
	}
	text = refuge.ReplaceAllString(text, "TMP/") // its digits may look like a hash
	text = noGoals.ReplaceAllString(text, `"sometimes": "all at 0"`)
	text = cases.ReplaceAllString(text, `"tried": "some"`)
	text = untried.ReplaceAllString(text, "never tried: some of all")
	text = growing.ReplaceAllString(text, `"growth": "some"`)
	text = noRows.ReplaceAllString(text, "    0  all\n")
	text = fullHash.ReplaceAllStringFunc(text, name)
	text = shortHash.ReplaceAllStringFunc(text, func(m string) string { return "-" + name(m[1:]) })
	return text
}
