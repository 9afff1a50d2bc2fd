package campaign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Journal is a file of JSON values, one a line, that is only appended to. A line is durable
// before Append returns; one that was cut off, by a full disk or the end of the machine,
// has no newline and does not count. It is safe for concurrent use; a nil Journal keeps
// nothing.
type Journal struct {
	mu   sync.Mutex
	file *os.File
}

// createJournal begins a journal with a first line, in a folder that is made. A file that is
// there is replaced as a whole.
func createJournal(name string, first any) (*Journal, error) {
	line, err := json.Marshal(first)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	if err := WriteFile(name, append(line, '\n')); err != nil {
		return nil, err
	}
	return OpenJournal(name)
}

// OpenJournal opens a journal to append to it, behind its last whole line. It makes the file
// and its folder if they are not there.
func OpenJournal(name string) (*Journal, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(f)
	whole := int64(bytes.LastIndexByte(content, '\n') + 1)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Journal{file: f}, nil
}

// JournalLines returns the whole lines of a journal; none if there is no file.
func JournalLines(name string) (lines [][]byte, err error) {
	content, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for line := range bytes.Lines(content) {
		if bytes.HasSuffix(line, []byte("\n")) {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// Append adds a line.
func (j *Journal) Append(value any) error {
	if j == nil {
		return nil
	}
	line, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("the journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err = j.file.Write(append(line, '\n')); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("the journal: %w", err)
	}
	return nil
}

// Close closes the file.
func (j *Journal) Close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}
