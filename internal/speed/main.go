// Command speed reads the output of the project's benchmarks and prints how the
// figures of one run compare, each with the target that it is held against:
//
//	go test -run '^$' -bench . ./... | go run -C internal/speed .
//
// It fails if a comparison lacks its benchmarks, and not for a missed target:
// time is not a property of the code alone.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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

// medians are the medians of all runs of each benchmark, by benchmark@unit.
type medians map[string]float64

func main() {
	m, err := read(os.Stdin)
	if err == nil {
		err = table(os.Stdout, m, comparisons)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
}

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

func table(w io.Writer, m medians, list []comparison) error {
	var missing []error
	fmt.Fprintln(w, "| what is compared | measured | target | |")
	fmt.Fprintln(w, "|---|---:|---:|---|")
	for _, c := range list {
		value, err := c.value(m)
		if err != nil {
			missing = append(missing, err)
			continue
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", c.claim, c.number(value), c.goal(), c.verdict(value))
	}
	return errors.Join(missing...)
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

func (c *comparison) verdict(value float64) string {
	switch {
	case c.target == "":
		return ""
	case c.target == atLeast && value >= c.limit, c.target == atMost && value <= c.limit:
		return "met"
	default:
		return "missed"
	}
}
