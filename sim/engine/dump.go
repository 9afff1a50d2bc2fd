package engine

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// fatal are the beginnings of the runtime's errors that, unlike the others, are mistakes
// of the program in the goroutine that runs.
var fatal = []string{"sync: ", "concurrent map ", "stack overflow"}

// lastWords splits what a process prints when it dies into the reason and the dump of
// its goroutines. ok is false if the reason is not one of the program.
func lastWords(stderr string) (reason, dump string, ok bool) {
	lines := strings.Split(stderr, "\n")
	for i, line := range lines {
		reason, panicked := strings.CutPrefix(line, "panic: ")
		if !panicked {
			var died bool
			reason, died = strings.CutPrefix(line, "fatal error: ")
			if !died {
				continue
			}
			if !slices.ContainsFunc(fatal, func(begin string) bool { return strings.HasPrefix(reason, begin) }) {
				return "", "", false
			}
		}
		rest := lines[i+1:]
		said := []string{reason}
		for len(rest) > 0 && rest[0] != "" && !strings.HasPrefix(rest[0], "[signal ") && !strings.HasPrefix(rest[0], "goroutine ") {
			said, rest = append(said, strings.TrimSpace(rest[0])), rest[1:]
		}
		return neutral(strings.Join(said, " ")), strings.Join(rest, "\n"), true
	}
	return "", "", false
}

var (
	recovered = regexp.MustCompile(` \[recovered[^]]*\]`)
	address   = regexp.MustCompile(`0x[0-9a-f]+`)
	number    = regexp.MustCompile(`goroutine [0-9]+`)
	folder    = regexp.MustCompile(`/(?:[^\s/:()]+/)+`)
)

// neutral removes from a message what differs between processes and machines.
func neutral(message string) string {
	message = recovered.ReplaceAllString(message, "")
	message = address.ReplaceAllString(message, "0x_")
	message = number.ReplaceAllString(message, "goroutine _")
	return folder.ReplaceAllString(message, "")
}

// goroutine is one of a dump.
type goroutine struct {
	// state is the text in brackets: why it waits, and its bubble.
	state string
	// frames from the innermost out.
	frames []frame
	// creator is the function with the go statement; zero for a main goroutine.
	creator frame
}

// frame is a function that has not returned.
type frame struct {
	// function has the path of its package; line is the base of its file and the line.
	function, line string
}

var (
	goroutineLine = regexp.MustCompile(`^goroutine [0-9]+ .*?\[(.*)\]:$`)
	creatorLine   = regexp.MustCompile(`^created by (.*?)(?: in goroutine [0-9]+)?$`)
)

// goroutines parses a dump.
func goroutines(dump string) (all []goroutine) {
	var at *goroutine
	var place *string // where the file and line that follow belong
	for line := range strings.Lines(dump) {
		line = strings.TrimSuffix(line, "\n")
		if m := goroutineLine.FindStringSubmatch(line); m != nil {
			all = append(all, goroutine{state: m[1]})
			at, place = &all[len(all)-1], nil
			continue
		}
		switch file, isPlace := strings.CutPrefix(line, "\t"); {
		case at == nil:
		case line == "":
			at = nil
		case isPlace:
			if place != nil {
				file, _, _ = strings.Cut(file, " ")
				*place = path.Base(strings.ReplaceAll(file, `\`, "/"))
			}
			place = nil
		default:
			if m := creatorLine.FindStringSubmatch(line); m != nil {
				at.creator.function, place = m[1], &at.creator.line
			} else if args := strings.LastIndexByte(line, '('); args > 0 {
				at.frames = append(at.frames, frame{function: line[:args]})
				place = &at.frames[len(at.frames)-1].line
			}
		}
	}
	return all
}

// pkg returns the import path of the frame's package.
func (f frame) pkg() string {
	dir, last := path.Split(f.function)
	last, _, _ = strings.Cut(last, ".")
	return dir + last
}

// name returns the function, without this module's path.
func (f frame) name() string { return strings.TrimPrefix(f.function, module) }

// at returns the file, below the module's root for one of this module, and the line.
func (f frame) at() string { return path.Join(strings.TrimPrefix(f.pkg(), module), f.line) }
