package cluster

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"dtsim/models/explore"
)

func TestDbg(t *testing.T) {
	c := Configs()[*bfsConfig]
	m, _ := New(c)
	seen := map[State]bool{}
	list := m.Initial(nil)
	seen[list[0]] = true
	_ = context.Background
	_ = errors.New
	n := 0
	for i := 0; i < len(list); i++ {
		s := list[i]
		en := m.Enabled(&s, nil)
		am := m.Ample(&s, en, nil)
		if len(am) < len(en) {
			for _, a := range am {
				for _, b := range en {
					if unpack(b).node == unpack(a).node && unpack(b).kind == unpack(a).kind {
						continue
					}
					sa, _ := m.Step(&s, a)
					sb, _ := m.Step(&s, b)
					sab, _ := m.Step(&sa, b)
					sba, _ := m.Step(&sb, a)
					if sab != sba {
						fmt.Println("STATE")
						for _, p := range m.Show(&s) {
							fmt.Println("  ", p.Name, "|", p.Value)
						}
						fmt.Println(m.Describe(&s, a), "//", m.Describe(&s, b))
						x, y := m.Show(&sab), m.Show(&sba)
						for i := range x {
							if x[i] != y[i] {
								fmt.Println(x[i], y[i])
							}
						}
						for n := range m.Nodes {
							if sab.tasks[0].parts[n] != sba.tasks[0].parts[n] {
								fmt.Printf("%+v\n%+v\n", m.parts.at(sab.tasks[0].parts[n]), m.parts.at(sba.tasks[0].parts[n]))
							}
						}
						if n++; n > 3 {
							return
						}
					}
				}
			}
		}
		for _, a := range en {
			x, _ := m.Step(&s, a)
			if !seen[x] {
				seen[x] = true
				list = append(list, x)
			}
		}
		if len(list) > 100000 {
			return
		}
	}
	_ = explore.Action(0)
}
