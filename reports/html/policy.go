package html

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
)

// policy returns the Content-Security-Policy of a page: its own style and script by their
// hashes, and those of the documents in its frames, which inherit it.
func policy(style, script string, frames []string) (string, error) {
	styles, scripts := []string{sourceHash(style)}, []string{sourceHash(script)}
	for _, f := range frames {
		for _, m := range inFrame.FindAllStringSubmatch(f, -1) {
			switch m[1] {
			case "style":
				styles = append(styles, sourceHash(m[3]))
			case "script":
				if strings.TrimSpace(m[2]) != "" {
					return "", fmt.Errorf("html: a frame has a script of another kind: <script%s>", m[2])
				}
				scripts = append(scripts, sourceHash(m[3]))
			}
		}
	}
	p := "default-src 'none'; style-src " + strings.Join(styles, " ") + "; script-src " + strings.Join(scripts, " ") +
		"; img-src data:; base-uri 'none'; form-action 'none'"
	if len(frames) == 0 {
		// Code inside of frames may make HTML of strings; within this policy it can do nothing.
		p += "; require-trusted-types-for 'script'; trusted-types 'none'"
	}
	return p, nil
}

var inFrame = regexp.MustCompile(`(?s)<(style|script)([^>]*)>(.*?)</(?:style|script)>`)

func sourceHash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
