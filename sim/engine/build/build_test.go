package build

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// host is the target of this machine, without anything special.
var host = Target{GOOS: runtime.GOOS, GOARCH: runtime.GOARCH}

// module writes a module with a small program and returns its folder.
func module(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module tiny\n\ngo 1.24\n")
	write(t, dir, "main.go", "package main\n\nfunc main() { print(word) }\n")
	write(t, dir, "word.go", "package main\n\nconst word = \"one\"\n")
	write(t, dir, "word_test.go", "package main\n")
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
}

// order returns a request for the program in dir, and what will be logged.
func order(dir, cacheDir string) (Request, *log) {
	l := new(log)
	return Request{Name: "tiny guest", Dir: dir, Package: ".", Target: host, CacheDir: cacheDir, Log: l.add}, l
}

// log gathers messages.
type log struct {
	mu       sync.Mutex
	messages []string
}

func (l *log) add(message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages = append(l.messages, message)
}

// builds counts the builds that were announced.
func (l *log) builds() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, m := range l.messages {
		if strings.HasPrefix(m, "building the tiny guest") {
			n++
		}
	}
	return n
}

// output runs a guest and returns what it prints.
func output(t *testing.T, g Guest) string {
	t.Helper()
	out, err := exec.Command(g.Path).CombinedOutput()
	require.NoError(t, err)
	return string(out)
}

func TestAGuestIsBuiltWhenItsSourcesAreNew(t *testing.T) {
	dir, cacheDir := module(t), t.TempDir()
	r, l := order(dir, cacheDir)
	first, err := Make(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, "one", output(t, first))
	require.Equal(t, 1, l.builds())

	again, err := Make(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, 1, l.builds(), "it was there already")

	write(t, dir, "word_test.go", "package main\n\n// a test is no part of the program\n")
	same, err := Make(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, first, same)

	write(t, dir, "word.go", "package main\n\nconst word = \"two\"\n")
	other, err := Make(t.Context(), r)
	require.NoError(t, err)
	require.NotEqual(t, first.ID, other.ID)
	require.Equal(t, "two", output(t, other))
	require.Equal(t, "one", output(t, first), "the old build is still there")
}

func TestABuildIsKnownByWhatItIsMadeFromAndNotByWhereItLies(t *testing.T) {
	cacheDir := t.TempDir()
	id := func(change func(*Request)) string {
		r, _ := order(module(t), cacheDir)
		change(&r)
		g, err := Make(t.Context(), r)
		require.NoError(t, err)
		return g.ID
	}
	plain := id(func(*Request) {})
	require.Equal(t, plain, id(func(*Request) {}), "another folder")
	require.NotEqual(t, plain, id(func(r *Request) { r.Target = Target{GOOS: "wasip1", GOARCH: "wasm"} }), "another target")
}

func TestTheEnvironmentOfTheUserDoesNotMatter(t *testing.T) {
	r, _ := order(module(t), t.TempDir())
	want, err := Make(t.Context(), r)
	require.NoError(t, err)
	for _, setting := range []string{
		"GOFLAGS=-mod=vendor -tags=other -race", "GOOS=plan9", "GOARCH=arm64", "CGO_ENABLED=1", "GOWORK=/nowhere/go.work",
		"GO111MODULE=off", "GOAMD64=v3", "GODEBUG=gctrace=1", "GOGC=1", "GOEXPERIMENT=nosuchthing",
	} {
		name, value, _ := strings.Cut(setting, "=")
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			r, _ := order(r.Dir, t.TempDir())
			got, err := Make(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, want.ID, got.ID)
			require.Equal(t, "one", output(t, got))
		})
	}
}

func TestEditsAreCompiledAndTheTreeStaysAsItIs(t *testing.T) {
	r, l := order(module(t), t.TempDir())
	plain, err := Make(t.Context(), r)
	require.NoError(t, err)

	r.Edits = Edits{"word.go": "package main\n\nconst word = \"edited\"\n"}
	edited, err := Make(t.Context(), r)
	require.NoError(t, err)
	require.NotEqual(t, plain.ID, edited.ID)
	require.Equal(t, "edited", output(t, edited))
	again, err := Make(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, edited, again)
	require.Equal(t, 2, l.builds(), "an edited build is kept, too")

	r.Edits = nil
	again, err = Make(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, plain, again)
	require.Equal(t, "one", output(t, again))

	for _, name := range []string{"nosuchfile.go", "../word.go", "/word.go"} {
		r.Edits = Edits{name: "package main\n"}
		_, err = Make(t.Context(), r)
		require.ErrorContains(t, err, "edit of "+name)
	}
}

func TestWhatCannotBeBuiltIsExplained(t *testing.T) {
	broken := module(t)
	write(t, broken, "word.go", "package main\n\nconst word = nothing\n")
	cacheDir := t.TempDir()
	r, _ := order(broken, cacheDir)
	_, err := Make(t.Context(), r)
	require.ErrorContains(t, err, "undefined: nothing")
	left, err := filepath.Glob(filepath.Join(cacheDir, "builds", newPrefix+"*"))
	require.NoError(t, err)
	require.Empty(t, left, "nothing half made stays")

	r, _ = order(t.TempDir(), t.TempDir())
	_, err = Make(t.Context(), r)
	require.ErrorIs(t, err, ErrOutsideModule)
	require.ErrorContains(t, err, r.Dir)

	r, _ = order(module(t), t.TempDir())
	r.Package = "./nosuchpackage"
	_, err = Make(t.Context(), r)
	require.ErrorContains(t, err, "nosuchpackage")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, _ = order(module(t), t.TempDir())
	_, err = Make(ctx, r)
	require.ErrorIs(t, err, context.Canceled)

	t.Setenv("PATH", t.TempDir())
	_, err = Make(t.Context(), r)
	require.ErrorIs(t, err, ErrNoToolchain)
}

func TestSeveralAtOnceBuildOnce(t *testing.T) {
	r, l := order(module(t), t.TempDir())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := Make(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, l.builds())
}

func TestWhoWaitsForALockCanGiveUp(t *testing.T) {
	c, err := openCache(t.TempDir())
	require.NoError(t, err)
	waits := 0
	unlock, err := c.lock(t.Context(), "id", func() { waits++ })
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = c.lock(ctx, "id", func() { waits++; cancel() })
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, waits)
	unlock()
	unlock, err = c.lock(t.Context(), "id", func() { waits++ })
	require.NoError(t, err)
	unlock()
	require.Equal(t, 1, waits)
}

func TestBuildsThatNobodyUsesGoAway(t *testing.T) {
	c, err := openCache(t.TempDir())
	require.NoError(t, err)
	add := func(name string, idle time.Duration) {
		require.NoError(t, os.Mkdir(filepath.Join(c.dir, name), 0o755))
		write(t, filepath.Join(c.dir, name), programName, "x")
		when := time.Now().Add(-idle)
		require.NoError(t, os.Chtimes(filepath.Join(c.dir, name), when, when))
	}
	young := make([]string, enough+3)
	for i := range young {
		young[i] = strings.Repeat("y", i+1)
		add(young[i], time.Duration(i)*time.Minute)
	}
	add("resting", resting+time.Hour)
	add("forgotten", forgotten+time.Hour)
	add(newPrefix+"recent", time.Minute)
	add(newPrefix+"abandoned", resting+time.Hour)

	require.NoError(t, c.prune())
	there := func(name string) bool {
		_, err := os.Stat(filepath.Join(c.dir, name))
		return err == nil
	}
	for _, name := range young {
		require.True(t, there(name), "a build that was used minutes ago stays, however many there are")
	}
	require.False(t, there("resting"), "there are enough younger ones")
	require.False(t, there("forgotten"))
	require.True(t, there(newPrefix+"recent"), "another process may be at work on it")
	require.False(t, there(newPrefix+"abandoned"))

	add("used again", 2*forgotten)
	require.True(t, c.has(c.guest("used again")))
	require.NoError(t, c.prune())
	require.True(t, there("used again"))
}

func TestTheCacheIsWhereTheUserWantsIt(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DTSIM_CACHE", dir)
	got, err := CacheDir()
	require.NoError(t, err)
	require.Equal(t, dir, got)

	t.Setenv("DTSIM_CACHE", "")
	user, err := os.UserCacheDir()
	require.NoError(t, err)
	got, err = CacheDir()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(user, "dtsim"), got)
}
