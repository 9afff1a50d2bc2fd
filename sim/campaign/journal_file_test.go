package campaign

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAJournalGoesOnBehindItsLastWholeLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "deep", "journal")
	lines := func() (all []string) {
		read, err := JournalLines(name)
		require.NoError(t, err)
		for _, line := range read {
			all = append(all, strings.TrimSpace(string(line)))
		}
		return all
	}
	require.Empty(t, lines(), "there is no file")
	j, err := createJournal(name, "head")
	require.NoError(t, err)
	require.NoError(t, j.Append(1))
	require.NoError(t, j.Append(2))
	require.NoError(t, j.Close())
	require.Equal(t, []string{`"head"`, "1", "2"}, lines())

	content, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, content[:len(content)-1], 0o644))
	require.Equal(t, []string{`"head"`, "1"}, lines(), "the last line was cut off")
	j, err = OpenJournal(name)
	require.NoError(t, err)
	require.NoError(t, j.Append(3))
	require.NoError(t, j.Close())
	require.Equal(t, []string{`"head"`, "1", "3"}, lines())
	require.Error(t, j.Append(4), "the file is closed")

	j, err = createJournal(name, "other")
	require.NoError(t, err)
	require.NoError(t, j.Close())
	require.Equal(t, []string{`"other"`}, lines(), "what was there is replaced")
}

func TestLinesOfAJournalDoNotMix(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal")
	j, err := OpenJournal(name)
	require.NoError(t, err)
	var writers sync.WaitGroup
	for n := range 8 {
		writers.Go(func() {
			for range 20 {
				if err := j.Append(strings.Repeat(fmt.Sprint(n), 100)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	require.NoError(t, j.Close())
	lines, err := JournalLines(name)
	require.NoError(t, err)
	require.Len(t, lines, 160)
	for _, line := range lines {
		require.Equal(t, `"`+strings.Repeat(string(line[1]), 100)+"\"\n", string(line))
	}
}

func TestNoJournalKeepsNothing(t *testing.T) {
	var j *Journal
	require.NoError(t, j.Append(1))
	require.NoError(t, j.Close())
	_, err := createJournal(filepath.Join(t.TempDir(), "journal"), func() {})
	require.Error(t, err, "a function is no JSON")
}
