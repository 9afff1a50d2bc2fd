package html

// Table is a table: a caption, columns, rows, and what was left out of it. With Sort
// its columns are sorted by a click on their titles.
type table struct {
	// ID is that of the table element; empty for none.
	ID      string
	Caption string
	Columns []column
	Rows    []row
	// Cut says in words what the table leaves out, and where it is; empty for nothing.
	Cut  string
	Sort bool
	// Empty is said in place of a table without rows.
	Empty string
}

// Column is the head of a column. Number columns stand at the right.
type column struct {
	Title  string
	Number bool
}

// Row is a row of cells, as many as there are columns. The first one is its head.
type row struct {
	Cells []cell
	Tone  tone
}

// Cell is what a row says in a column.
type cell struct {
	Text string
	// Sort is what it is sorted by; empty: by the text.
	Sort string
	// Link is where its text leads to: a part of this page ("#id") or a file beside it.
	Link string
	Tone tone
	Mono bool
}

// Number returns whether the cell at i of a row is in a column of numbers.
func (t table) Number(i int) bool { return i < len(t.Columns) && t.Columns[i].Number }
