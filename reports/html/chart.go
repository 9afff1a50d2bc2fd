package html

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Charts are SVG with all geometry in attributes, drawn for a width of chartW units and scaled
// by the page. The content of a chart is also in its label and, as numbers, beside it.
const (
	chartW, chartH = 640.0, 220.0
	// left and bottom are the space of the axes, top and right that of their labels.
	chartLeft, chartBottom, chartTop, chartRight = 48.0, 38.0, 26.0, 24.0
)

// chart is a chart with axes.
type chart struct {
	// Label describes the content, for screen readers.
	Label          string
	XTitle, YTitle string
	XTicks, YTicks []chartTick
	Bars           []chartBar
	Lines          []chartLine
	Legend         []chartLegend
	// The plot, and the whole chart.
	W, H, Left, Top, Right, Bottom float64
}

// chartTick is a label on an axis.
type chartTick struct {
	At   string
	Text string
}

// chartBar is a column.
type chartBar struct {
	X, Y, W, H string
	// Tip is the tooltip.
	Tip string
}

// chartLine is a series; Area closes it to the axis.
type chartLine struct{ Class, Path, Area string }

type chartLegend struct {
	Class, Text string
	X           string
}

func newChart(label, xTitle, yTitle string) chart {
	return chart{
		Label: label, XTitle: xTitle, YTitle: yTitle, W: chartW, H: chartH,
		Left: chartLeft, Top: chartTop, Right: chartW - chartRight, Bottom: chartH - chartBottom,
	}
}

// coordinate formats a coordinate.
func coordinate(f float64) string {
	s := strconv.FormatFloat(f, 'f', 1, 64)
	return strings.TrimSuffix(s, ".0")
}

// linearScale maps 0..most to a..b.
func linearScale(a, b, most float64) func(float64) float64 {
	if most <= 0 {
		most = 1
	}
	return func(v float64) float64 { return a + (b-a)*v/most }
}

// axisTicks returns round numbers from 0 to at least most, n of them or a few more.
func axisTicks(most float64, n int) []float64 {
	if most <= 0 {
		return []float64{0, 1}
	}
	step := roundUp(most / float64(n))
	var all []float64
	for i := 0; ; i++ {
		v := float64(i) * step
		all = append(all, v)
		if v >= most*(1-1e-9) {
			return all
		}
	}
}

// roundUp returns the next 1, 2, 2.5 or 5 times a power of ten.
func roundUp(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if m*power >= v*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// axisLabel formats a number of an axis.
func axisLabel(v float64) string {
	switch {
	case v >= 1e9:
		return strconv.FormatFloat(v/1e9, 'g', 4, 64) + "G"
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 4, 64) + "M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 4, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// yAxis labels the vertical axis and returns its scale.
func (c *chart) yAxis(most float64, whole bool) func(float64) float64 {
	marks := axisTicks(most, 4)
	if whole && most < 4 {
		marks = axisTicks(max(1, most), int(max(1, most)))
	}
	y := linearScale(c.Bottom, c.Top, marks[len(marks)-1])
	for _, v := range marks {
		c.YTicks = append(c.YTicks, chartTick{coordinate(y(v)), axisLabel(v)})
	}
	return y
}

// xAxis labels the horizontal axis and returns its scale; the last label is at or after most.
func (c *chart) xAxis(most float64) func(float64) float64 {
	marks := axisTicks(most, 6)
	x := linearScale(c.Left, c.Right, marks[len(marks)-1])
	for _, v := range marks {
		c.XTicks = append(c.XTicks, chartTick{coordinate(x(v)), axisLabel(v)})
	}
	return x
}

// histogramChart counts values in bins of a round width, at most 40 of them.
func histogramChart(values []float64, label, xTitle, yTitle, unit string) chart {
	c := newChart(label, xTitle, yTitle)
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	width := 1.0
	if most > 0 {
		width = roundUp(most / 36)
	}
	counts := make([]int, int(most/width)+1)
	highest := 0
	for _, v := range values {
		i := int(v / width)
		counts[i]++
		highest = max(highest, counts[i])
	}
	y := c.yAxis(float64(highest), true)
	x := c.xAxis(width * float64(len(counts)))
	for i, n := range counts {
		if n > 0 {
			from, to := width*float64(i), width*float64(i+1)
			c.bar(x(from), x(to), y(float64(n)), fmt.Sprintf("%s to %s %s: %d", axisLabel(from), axisLabel(to), unit, n))
		}
	}
	return c
}

// levelChart draws counts by their index.
func levelChart(counts []uint64, label, xTitle, yTitle string) chart {
	c := newChart(label, xTitle, yTitle)
	highest := uint64(0)
	for _, n := range counts {
		highest = max(highest, n)
	}
	y := c.yAxis(float64(highest), true)
	x := c.xAxis(float64(len(counts)))
	for i, n := range counts {
		c.bar(x(float64(i)), x(float64(i+1)), y(float64(n)), fmt.Sprintf("%d: %d", i, n))
	}
	return c
}

// bar adds a column, with a gap if there is room for one. A value that is not 0 is visible.
func (c *chart) bar(from, to, top float64, tip string) {
	gap := min(2, (to-from)*0.2)
	height := c.Bottom - top
	if height > 0 {
		height = max(1.5, height)
	}
	c.Bars = append(c.Bars, chartBar{coordinate(from + gap/2), coordinate(c.Bottom - height), coordinate(max(0.5, to-from-gap)), coordinate(height), tip})
}

// chartPoint is a point of a series.
type chartPoint struct{ x, y float64 }

// series adds a line.
func (c *chart) series(class string, points []chartPoint, x, y func(float64) float64, area bool) {
	var b strings.Builder
	for i, p := range points {
		verb := "L"
		if i == 0 {
			verb = "M"
		}
		fmt.Fprintf(&b, "%s%s %s", verb, coordinate(x(p.x)), coordinate(y(p.y)))
	}
	l := chartLine{Class: class, Path: b.String()}
	if area && len(points) > 0 {
		l.Area = fmt.Sprintf("%sL%s %sL%s %sZ", l.Path,
			coordinate(x(points[len(points)-1].x)), coordinate(c.Bottom), coordinate(x(points[0].x)), coordinate(c.Bottom))
	}
	c.Lines = append(c.Lines, l)
}

// meter is a bar beside a number.
type meter struct{ W string }

// meterW is the width of a full meter.
const meterW = 100

// linearMeter returns a meter of a share.
func linearMeter(v, most float64) meter {
	if most <= 0 || v <= 0 {
		return meter{"0"}
	}
	return meter{coordinate(max(1.5, meterW*min(1, v/most)))}
}

// logarithmicMeter returns a meter by orders of magnitude: 1 is visible, most is full.
func logarithmicMeter(v, most int64) meter {
	if v <= 0 {
		return meter{"0"}
	}
	return linearMeter(math.Log1p(float64(v)), math.Log1p(float64(most)))
}

// heatLevel returns a class from 0 (nothing) to 6 by orders of magnitude of most.
func heatLevel(v, most int64) int {
	if v <= 0 {
		return 0
	}
	return 1 + int(math.Min(5, math.Floor(6*math.Log1p(float64(v))/math.Log1p(float64(max(most, 6))))))
}
