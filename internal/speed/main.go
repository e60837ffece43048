// Command speed shows how the project's benchmarks compare, each with the target
// that it is held against. With an argument it reads the output of benchmarks from
// standard input and keeps their medians in that file, as one run; without one it
// prints the table of all runs that it finds in the directory runs:
//
//	go test -run '^$' -bench . ./... | go run -C internal/speed . runs/NAME
//	go run -C internal/speed .
//
// It fails if a comparison lacks its benchmarks in some run, and not for a missed
// target: time is not a property of the code alone. What machines do beside a
// benchmark shows in one run; that a figure is what it is in all of them is what
// the table says.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// comparison is one line of the table: the median of one benchmark, in one unit,
// divided by that of another.
type comparison struct {
	claim string
	// numerator and denominator are benchmarks, as benchmark@unit; without a
	// denominator the line shows the number itself.
	numerator, denominator string
	// target is what the quotient is held against: at least (>=) or at most (<=)
	// a limit. Without one the line is for information.
	target string
	limit  float64
}

const (
	atLeast = ">="
	atMost  = "<="
)

// medians are the medians of a benchmark's repetitions in one run, by
// benchmark@unit.
type medians map[string]float64

// runs is the directory of the runs, seen from this package.
const runs = "runs"

func main() {
	var err error
	if len(os.Args) > 1 {
		err = keep(os.Args[1], os.Stdin)
	} else {
		err = show(os.Stdout, os.DirFS(runs))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
}

// keep writes the figures that comparisons need to a file.
func keep(file string, output io.Reader) error {
	m, err := read(output)
	if err != nil {
		return err
	}
	if err := table(io.Discard, []medians{m}, comparisons); err != nil {
		return err
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if slices.ContainsFunc(comparisons, func(c comparison) bool { return c.numerator == key || c.denominator == key }) {
			fmt.Fprintf(&b, "%s\t%g\n", key, m[key])
		}
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// show prints the table of all runs of a directory.
func show(w io.Writer, dir fs.FS) error {
	files, err := fs.Glob(dir, "*.tsv")
	if err != nil {
		return err
	}
	var list []medians
	for _, file := range files {
		m, err := kept(dir, file)
		if err != nil {
			return err
		}
		list = append(list, m)
	}
	if len(list) == 0 {
		return errors.New("there are no runs")
	}
	return table(w, list, comparisons)
}

// kept reads a run.
func kept(dir fs.FS, file string) (medians, error) {
	text, err := fs.ReadFile(dir, file)
	if err != nil {
		return nil, err
	}
	m := medians{}
	for line := range strings.Lines(string(text)) {
		key, number, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if m[key], err = strconv.ParseFloat(number, 64); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, line, err)
		}
	}
	return m, nil
}

// read takes the medians from the output of benchmarks.
func read(r io.Reader) (medians, error) {
	values := map[string][]float64{}
	reader := benchfmt.NewReader(r, "benchmarks")
	for reader.Scan() {
		result, ok := reader.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		name := result.Name.String()
		for _, v := range result.Values {
			key := name + "@" + v.Unit
			values[key] = append(values[key], v.Value)
		}
	}
	m := medians{}
	for key, list := range values {
		m[key] = median(list)
	}
	return m, reader.Err()
}

func median(list []float64) float64 {
	slices.Sort(list)
	n := len(list)
	return (list[(n-1)/2] + list[n/2]) / 2
}

// table prints a line for each comparison, with the least and the greatest of its
// figures in the runs.
func table(w io.Writer, runs []medians, list []comparison) error {
	var missing []error
	fmt.Fprintln(w, "| what is compared | measured | target | |")
	fmt.Fprintln(w, "|---|---:|---:|---|")
	for _, c := range list {
		var values []float64
		for _, m := range runs {
			value, err := c.value(m)
			if err != nil {
				missing = append(missing, err)
				continue
			}
			values = append(values, value)
		}
		if len(values) == len(runs) {
			fmt.Fprintf(w, "| %s | %s | %s | %s |\n", c.claim, c.numbers(values), c.goal(), c.verdict(values))
		}
	}
	return errors.Join(missing...)
}

// numbers prints a figure, or the range of several.
func (c *comparison) numbers(values []float64) string {
	least, greatest := c.number(slices.Min(values)), c.number(slices.Max(values))
	if least == greatest {
		return least
	}
	return least + " to " + greatest
}

func (c *comparison) value(m medians) (float64, error) {
	n, ok := m[c.numerator]
	if !ok {
		return 0, fmt.Errorf("no figure for %s", c.numerator)
	}
	if c.denominator == "" {
		return n, nil
	}
	d, ok := m[c.denominator]
	if !ok {
		return 0, fmt.Errorf("no figure for %s", c.denominator)
	}
	return n / d, nil
}

// number prints quotients with two digits that count, and counts as they are.
func (c *comparison) number(value float64) string {
	if c.denominator == "" || value >= 10 {
		return fmt.Sprintf("%.0f", value)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.2f", value), "0")
}

func (c *comparison) goal() string {
	if c.target == "" {
		return ""
	}
	return fmt.Sprintf("%s %g", c.target, c.limit)
}

// verdict says whether the target was met, and in how many runs where they differ.
func (c *comparison) verdict(values []float64) string {
	if c.target == "" {
		return ""
	}
	met := 0
	for _, value := range values {
		if c.target == atLeast && value >= c.limit || c.target == atMost && value <= c.limit {
			met++
		}
	}
	switch met {
	case len(values):
		return "met"
	case 0:
		return "missed"
	default:
		return fmt.Sprintf("met in %d of %d", met, len(values))
	}
}
