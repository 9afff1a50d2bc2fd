package html

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// module is a JavaScript module of a page, with the modules it imports.
type module struct {
	Files fs.FS
	Name  string
}

// bundle concatenates modules and what they import, each once and after its imports, because a
// page without requests cannot import. It accepts modules of a simple form only: "import { a, b
// } from "./file.js";" on a line of its own ("shell/file.js" for those of the shell), "export"
// in front of a declaration. No two modules may declare the same name; the browser refuses
// those.
func bundle(modules []module) (string, error) {
	var b strings.Builder
	done := make(map[string]bool)
	var add func(m module, within []string) error
	add = func(m module, within []string) error {
		if done[m.Name] {
			return nil
		}
		for _, name := range within {
			if name == m.Name {
				return fmt.Errorf("html: %s imports itself: %s", m.Name, strings.Join(within, ", "))
			}
		}
		content, err := fs.ReadFile(m.Files, m.Name)
		if err != nil {
			return fmt.Errorf("html: %w", err)
		}
		var body strings.Builder
		for n, line := range strings.Split(string(content), "\n") {
			if found := imports.FindStringSubmatch(line); found != nil {
				needed := module{m.Files, path.Join(path.Dir(m.Name), found[1])}
				if strings.HasPrefix(found[1], "shell/") {
					needed = module{assets, found[1]}
				}
				if err := add(needed, append(within, m.Name)); err != nil {
					return err
				}
				continue
			}
			if strings.HasPrefix(line, "import") || strings.HasPrefix(line, "export {") || strings.HasPrefix(line, "export default") || strings.HasPrefix(line, "export *") {
				return fmt.Errorf("html: %s:%d: a form of import or export that is not bundled: %s", m.Name, n+1, line)
			}
			body.WriteString(strings.TrimPrefix(line, "export ") + "\n")
		}
		if strings.Contains(strings.ToLower(body.String()), "</script") || strings.Contains(body.String(), "<!--") {
			return fmt.Errorf("html: %s could end the script element that it is in", m.Name)
		}
		done[m.Name] = true
		fmt.Fprintf(&b, "// %s\n%s", path.Base(m.Name), body.String())
		return nil
	}
	for _, m := range modules {
		if err := add(m, nil); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

var imports = regexp.MustCompile(`^import \{ [\w$, ]+ \} from "((?:\./|shell/)[\w./-]+\.js)";$`)
