package page

import (
	"fmt"
	"html/template"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
)

var funcs = template.FuncMap{"count": count, "dur": Duration, "bytes": size, "share": share, "show": Visible}

// Visible returns a text with those characters written out that are not seen, or that
// make others be seen elsewhere: controls, joiners, and marks of direction, as \u202e.
// Line breaks and tabs are written out, too.
func Visible(s string) string {
	hidden := func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar
	}
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// Count returns a whole number with its thousands apart.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// count is Count for templates: of whole numbers of any type.
func count(n any) (string, error) {
	v := reflect.ValueOf(n)
	switch {
	case v.CanInt():
		return Count(v.Int()), nil
	case v.CanUint():
		return Count(int64(v.Uint())), nil
	}
	return "", fmt.Errorf("count: %T is no whole number", n)
}

// Duration returns a duration for people, with four digits that count at most.
func Duration(d time.Duration) string {
	if d < 0 {
		return "−" + Duration(-d)
	}
	switch {
	case d == 0:
		return "0 s"
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return trim(float64(d)/1e3, 1) + " µs"
	case d < time.Second:
		return trim(float64(d)/1e6, 1) + " ms"
	case d < 2*time.Minute:
		return trim(d.Seconds(), 2) + " s"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// trim returns a number without zeros at the end.
func trim(f float64, decimals int) string {
	s := strconv.FormatFloat(f, 'f', decimals, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func size(n any) (string, error) {
	v := reflect.ValueOf(n)
	if !v.CanInt() {
		return "", fmt.Errorf("bytes: %T is no whole number", n)
	}
	switch b := v.Int(); {
	case b < 1000:
		return fmt.Sprintf("%d B", b), nil
	case b < 1000_000:
		return trim(float64(b)/1e3, 1) + " kB", nil
	case b < 1000_000_000:
		return trim(float64(b)/1e6, 1) + " MB", nil
	default:
		return trim(float64(b)/1e9, 1) + " GB", nil
	}
}

// share returns part of whole in percent; a part that is not all of it never says 100%,
// and one that is not nothing never 0%.
func share(part, whole any) (string, error) {
	p, w := reflect.ValueOf(part), reflect.ValueOf(whole)
	if !p.CanInt() || !w.CanInt() {
		return "", fmt.Errorf("share: %T of %T are no whole numbers", part, whole)
	}
	a, b := p.Int(), w.Int()
	switch {
	case b == 0:
		return "–", nil
	case a > 0 && a*100 < b:
		return "<1%", nil
	case a < b && a*100 > b*99:
		return ">99%", nil
	}
	return fmt.Sprintf("%d%%", (a*100+b/2)/b), nil
}
