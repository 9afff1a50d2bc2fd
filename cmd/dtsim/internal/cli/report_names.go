package cli

import (
	"os"
	"path/filepath"
	"strings"
)

// format is the format of a report.
type format struct {
	name string
	// ending is the extension of its files; empty for a format that is printed without --out.
	ending string
	// forPrograms is true for a format that is not for a terminal.
	forPrograms bool
}

// formats are all, the default first.
var formats = []format{
	{"html", ".html", true},
	{"perfetto", ".perfetto.json", true},
	{"shiviz", ".shiviz.log", true},
	{"junit", ".junit.xml", false},
	{"github", "", false},
	{"text", "", false},
}

// combined reports whether several subjects make one file.
func (f format) combined() bool { return f.name == "junit" || f.ending == "" }

func formatNames() string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

func formatByName(name string) (format, error) {
	for _, f := range formats {
		if f.name == name {
			return f, nil
		}
	}
	return format{}, badUsage("--format %s: unknown; the formats are %s", name, formatNames())
}

// stdout is the name of standard output.
const stdout = "-"

// target returns the file of a subject's report; out is --out, or empty.
func (f format) target(s *subject, out string) (string, error) {
	switch {
	case out == "" && f.ending == "":
		return stdout, nil
	case out == "" && s.folder != "" && s.run != nil:
		return filepath.Join(s.folder, "page"+f.ending), nil
	case out == "" && s.folder != "":
		return filepath.Join(s.folder, "campaign"+f.ending), nil
	case out == "":
		return stem(s.path) + f.ending, nil
	case isFolder(out):
		name := filepath.Base(stem(s.path))
		if s.folder != "" {
			whole, err := filepath.Abs(s.folder)
			if err != nil {
				return "", err
			}
			name = filepath.Base(whole)
		}
		ending := f.ending
		if ending == "" {
			ending = "." + f.name + ".txt"
		}
		return filepath.Join(out, name+ending), nil
	}
	return out, nil
}

// isFolder reports whether --out names a folder: an existing one, or a name that ends with a
// slash.
func isFolder(out string) bool {
	info, err := os.Stat(out)
	return strings.HasSuffix(out, string(os.PathSeparator)) || err == nil && info.IsDir()
}

// stem returns the name of a file without the extensions of documents and traces.
func stem(path string) string {
	for _, ending := range []string{".zst", ".jsonl", ".trace", ".json", ".journal"} {
		path = strings.TrimSuffix(path, ending)
	}
	return path
}

// place returns the file of all subjects in a combined format.
func (f format) place(subjects []*subject, out string) (string, error) {
	if len(subjects) == 1 || out == "" && f.ending == "" {
		return f.target(subjects[0], out)
	}
	switch {
	case out == "":
		return "", badUsage("%d paths make one file; name it with --out", len(subjects))
	case isFolder(out):
		return filepath.Join(out, "dtsim"+f.ending), nil
	}
	return out, nil
}
