package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"dtsim/scenarios/mutation"
)

// recordLine describes a record in a line.
func recordLine(r mutation.Record) string {
	words := fmt.Sprintf("nothing in %.1fs (%d)", r.Wall.Seconds(), r.Runs)
	switch {
	case r.Err != nil:
		words = "the detector failed: " + oneLine(r.Err.Error())
	case r.Skipped != "":
		words = "not asked: " + r.Skipped
	case r.Property != "":
		words = fmt.Sprintf("%s in %.1fs (%d): %s", r.Property, r.Wall.Seconds(), r.Runs, firstLine(r.Message))
	}
	for _, property := range slices.Sorted(maps.Keys(r.Fired)) {
		if property != r.Property {
			words += fmt.Sprintf("; also %s in %d", property, r.Fired[property])
		}
	}
	if r.Violating > 1 {
		words += fmt.Sprintf("; of %d that violate a property", r.Violating)
	}
	return fmt.Sprintf("%s: %s: %s", r.Subject, r.Detector, words)
}

// printMutants prints the table.
func printMutants(w io.Writer, rows []mutation.Row) {
	if len(rows) == 0 {
		return
	}
	columns := []any{"mutant"}
	for _, c := range rows[0].Cells {
		columns = append(columns, c.Detector, "by", "seconds")
	}
	t := newTable(columns...)
	var right []table.ColumnConfig
	for i := range rows[0].Cells {
		for _, n := range []int{2 + 3*i, 4 + 3*i} {
			right = append(right, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	t.SetColumnConfigs(right)
	for _, row := range rows {
		line := table.Row{row.Subject.Name()}
		for _, c := range row.Cells {
			switch {
			case c.Skipped() != "":
				line = append(line, "-", "", "")
			case c.Err() != nil:
				line = append(line, "-", "failed", "")
			case c.Kills() == 0 && row.Subject.Mutant == nil:
				line = append(line, c.Runs(), "nothing", fmt.Sprintf("%.1f", c.Wall().Seconds()))
			case c.Kills() == 0:
				line = append(line, c.Runs(), "survives", fmt.Sprintf("%.1f", c.Wall().Seconds()))
			default:
				line = append(line, c.Runs(), strings.Join(c.Properties(), " "), fmt.Sprintf("%.1f", c.Wall().Seconds()))
			}
		}
		t.AppendRow(line)
	}
	fmt.Fprintln(w, t.Render())
	survivors := mutation.Survivors(rows)
	for _, detector := range allDetectors {
		if names := survivors[detector]; len(names) > 0 {
			fmt.Fprintf(w, "%s has to kill and does not: %s\n", detector, strings.Join(names, ", "))
		}
	}
	for _, row := range rows {
		for _, c := range row.Cells {
			if err := c.Err(); err != nil {
				fmt.Fprintf(w, "%s of %s failed: %s\n", c.Detector, row.Subject.Name(), oneLine(err.Error()))
			}
		}
	}
}
