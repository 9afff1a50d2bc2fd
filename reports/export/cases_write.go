package export

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"dtsim/reports/timeline"
)

// The elements of JUnit XML, as CI systems read them.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string           `xml:"name,attr"`
		Tests    int              `xml:"tests,attr"`
		Failures int              `xml:"failures,attr"`
		Errors   int              `xml:"errors,attr"`
		Skipped  int              `xml:"skipped,attr"`
		Time     string           `xml:"time,attr,omitempty"`
		Facts    *junitProperties `xml:"properties"`
		Cases    []*junitCase     `xml:"testcase"`
	}
	junitProperties struct {
		Facts []junitProperty `xml:"property"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr,omitempty"`
		File    string        `xml:"file,attr,omitempty"`
		Failure *junitOutcome `xml:"failure"`
		Error   *junitOutcome `xml:"error"`
		Skipped *junitOutcome `xml:"skipped"`
	}
	junitOutcome struct {
		Message string `xml:"message,attr,omitempty"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes suites as JUnit XML.
func JUnit(w io.Writer, suites []Suite) error {
	doc := junitSuites{Name: "dtsim"}
	for _, s := range suites {
		x := junitSuite{Name: timeline.Visible(s.Name), Tests: len(s.Cases), Time: junitTime(s.Seconds)}
		if len(s.Facts) > 0 {
			x.Facts = &junitProperties{}
			for _, f := range s.Facts {
				x.Facts.Facts = append(x.Facts.Facts, junitProperty{f.Name, timeline.Visible(f.Value)})
			}
		}
		for _, c := range s.Cases {
			one := &junitCase{Name: timeline.Visible(c.Name), Class: "dtsim." + timeline.Visible(s.Name), Time: junitTime(c.Seconds), File: timeline.Visible(c.File)}
			is := &junitOutcome{Message: timeline.Visible(c.Message), Type: timeline.Visible(c.Kind), Text: visibleText(c.Text)}
			switch c.Outcome {
			case Failed:
				one.Failure = is
				x.Failures++
			case HarnessError, Inconclusive:
				one.Error = is
				x.Errors++
			case Skipped:
				one.Skipped = is
				x.Skipped++
			}
			x.Cases = append(x.Cases, one)
		}
		doc.Tests, doc.Failures, doc.Errors, doc.Skipped = doc.Tests+x.Tests, doc.Failures+x.Failures, doc.Errors+x.Errors, doc.Skipped+x.Skipped
		doc.Suites = append(doc.Suites, x)
	}
	text, err := xml.MarshalIndent(doc, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	}
	return err
}

// visibleText returns a text of several lines without trailing empty ones, made visible.
func visibleText(s string) string { return timeline.VisibleLines(strings.TrimRight(s, "\n")) }

func junitTime(s float64) string {
	if s == 0 {
		return ""
	}
	return fmt.Sprintf("%.3f", s)
}

// GitHub writes an annotation for each case that failed: workflow commands, one a line.
func GitHub(w io.Writer, suites []Suite) error {
	var b strings.Builder
	for _, s := range suites {
		for _, c := range s.Cases {
			if c.Outcome == Passed || c.Outcome == Skipped {
				continue
			}
			title := timeline.Visible(c.Name)
			switch c.Kind {
			case "":
			case c.Name: // a property, to which the title adds the suite
				title = title + ": " + timeline.Visible(s.Name)
			default:
				title = timeline.Visible(c.Kind) + ": " + title
			}
			b.WriteString("::error ")
			if c.File != "" {
				fmt.Fprintf(&b, "file=%s,", escapeProperty(timeline.Visible(c.File)))
			}
			fmt.Fprintf(&b, "title=%s::%s", escapeProperty(title), escapeData(timeline.Visible(c.Message)))
			if text := visibleText(c.Text); text != "" && text != c.Message {
				b.WriteString(escapeData("\n" + text))
			}
			b.WriteString("\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// escapeData and escapeProperty escape the parts of a workflow command.
func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

// Text writes a line for each suite, and the cases that did not pass.
func Text(w io.Writer, suites []Suite) error {
	var b strings.Builder
	for _, s := range suites {
		counts := map[Outcome]int{}
		for _, c := range s.Cases {
			counts[c.Outcome]++
		}
		var words []string
		for _, o := range []Outcome{Failed, HarnessError, Inconclusive, Skipped, Passed} {
			if counts[o] > 0 {
				words = append(words, fmt.Sprintf("%d %s", counts[o], o))
			}
		}
		fmt.Fprintf(&b, "%s: %s\n", timeline.Visible(s.Name), strings.Join(words, ", "))
		for _, c := range s.Cases {
			if c.Outcome == Passed || c.Outcome == Skipped {
				continue
			}
			fmt.Fprintf(&b, "  %s: %s: %s\n", c.Outcome, timeline.Visible(c.Name), timeline.Visible(c.Message))
			if text := visibleText(c.Text); text != "" && text != c.Message {
				fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(text, "\n", "\n    "))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
