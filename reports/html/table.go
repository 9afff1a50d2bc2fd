package html

// table is a table: a caption, columns, rows, and a note about what it leaves out. With Sort, a
// click on a title sorts by the column.
type table struct {
	// ID is that of the element; empty for none.
	ID      string
	Caption string
	Columns []column
	Rows    []row
	// Cut describes what the table leaves out and where it is; empty for nothing.
	Cut  string
	Sort bool
	// Empty is shown instead of a table without rows.
	Empty string
}

// column is the head of a column. Number columns are right-aligned.
type column struct {
	Title  string
	Number bool
}

// row is a row of cells, as many as there are columns. The first one is its head.
type row struct {
	Cells []cell
	Tone  tone
}

// cell is a cell of a row.
type cell struct {
	Text string
	// Sort is the sort key; empty for the text.
	Sort string
	// Link is the target of its text: a part of this page ("#id") or a file beside it.
	Link string
	Tone tone
	Mono bool
}

// Number reports whether the cell at i of a row is in a column of numbers.
func (t table) Number(i int) bool { return i < len(t.Columns) && t.Columns[i].Number }
