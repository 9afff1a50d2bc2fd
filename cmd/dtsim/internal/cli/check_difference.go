package cli

import (
	"slices"
	"strings"
)

// shortChange is how long both texts of a change are together that fits on a line.
const shortChange = 60

// difference is what makes after of before, in words: those that differ, with the word
// before them where they do not name themselves (name=value). Short texts are told whole,
// and so are those of which less than a third of the words stay.
func difference(before, after string) string {
	if len(before)+len(after) <= shortChange {
		return before + " -> " + after
	}
	old, now := wordsOf(before), wordsOf(after)
	kept := common(old, now)
	if 3*len(kept) < max(len(old), len(now)) {
		return before + " -> " + after
	}
	var hunks []string
	last := ""
	for _, word := range append(kept, "") { // none is empty: behind the last
		gone, come := old, now
		if word != "" {
			i, j := slices.Index(old, word), slices.Index(now, word)
			gone, come = old[:i], now[:j]
			old, now = old[i+1:], now[j+1:]
		}
		if hunk := change(last, strings.Join(gone, " "), strings.Join(come, " ")); hunk != "" {
			hunks = append(hunks, hunk)
		}
		last = word
	}
	return strings.Join(hunks, "; ")
}

// wordsOf are the words of a text without the marks behind them.
func wordsOf(text string) []string {
	words := strings.Fields(text)
	for i := range words {
		words[i] = strings.TrimRight(words[i], ",;")
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}

// change is one place at which words differ, behind a word that does not.
func change(behind, gone, come string) string {
	text := gone + " -> " + come
	switch {
	case gone == come:
		return ""
	case gone == "":
		text = "+ " + come
	case come == "":
		text = "- " + gone
	}
	if behind == "" || strings.Contains(text, "=") {
		return text
	}
	return behind + " " + text
}

// common is a longest list of words that stand in both, in that order.
func common(a, b []string) []string {
	longest := make([][]int, len(a)+1) // of what begins at a place in both
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			if a[i] == b[j] {
				longest[i][j] = 1 + longest[i+1][j+1]
			}
		}
	}
	var words []string
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			words = append(words, a[i])
			i, j = i+1, j+1
		case longest[i+1][j] >= longest[i][j+1]:
			i++
		default:
			j++
		}
	}
	return words
}
