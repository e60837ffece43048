// Command webhook compares the time that the shipped webhook takes for a pod of some
// size, P3 of internal/benchpod, with that of other commits. It builds each of them,
// runs all at once beside an API server that knows one namespace, and asks them in
// turn by HTTP over TLS on loopback, so that they meet the same noise:
//
//	cd internal/speed && go run ./webhook [-rounds 40] [-requests 100] COMMIT...
//
// It prints what this tree takes in parts of what each commit takes: of a request on
// loopback, the median of a round; of the webhook's own metric and of its processor
// time, the mean. Of each the median of all rounds is shown, the middle half of them, and
// the ratio of the fastest round of each. The metric is what it was at that commit: later
// ones count more, as decoding.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 40, "how often each version is asked in turn")
	requests := flag.Int("requests", 100, "requests to each side, a round")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "webhook: name the commits to compare this tree with")
		os.Exit(2)
	}
	if err := compare(os.Stdout, flag.Args(), *rounds, *requests); err != nil {
		fmt.Fprintln(os.Stderr, "webhook:", err)
		os.Exit(1)
	}
}

// sides are the paths that a create is sent to, as the metric names them.
var sides = []string{"mutate", "validate"}

// figures are what a version takes, in seconds, by what is measured.
type figures map[string]float64

func compare(w io.Writer, commits []string, rounds, requests int) (err error) {
	dir, err := os.MkdirTemp("", "podfence-webhook-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	api, err := startCluster(dir)
	if err != nil {
		return err
	}
	defer api.Close()
	defer api.CloseClientConnections() // a watch never ends by itself
	var all []*version
	defer func() {
		for _, v := range all {
			v.stop()
		}
	}()
	for i, commit := range append([]string{""}, commits...) {
		binary, err := build(dir, commit)
		if err != nil {
			return err
		}
		v, err := start(filepath.Join(dir, fmt.Sprintf("log-%d", i)), dir, binary)
		if err != nil {
			return err
		}
		all = append(all, v)
	}
	measured := make([][]figures, len(all))
	for round := range rounds + 1 {
		for i := range all {
			n := (i + round) % len(all)
			f, err := all[n].round(requests)
			if err != nil {
				return err
			}
			if round > 0 { // the first warms up
				measured[n] = append(measured[n], f)
			}
		}
	}
	show(w, commits, measured)
	return nil
}

// show prints the first version in parts of the others, and its own time.
func show(w io.Writer, commits []string, measured [][]figures) {
	fmt.Fprint(w, "| P3 | this tree |")
	for _, commit := range commits {
		fmt.Fprintf(w, " to %s |", commit)
	}
	fmt.Fprint(w, "\n|---|---:|")
	for range commits {
		fmt.Fprint(w, "---:|")
	}
	fmt.Fprintln(w)
	for _, what := range rows() {
		own := column(measured[0], what)
		fmt.Fprintf(w, "| %s | %v |", what, time.Duration(quantile(own, 0.5)*float64(time.Second)).Round(time.Microsecond))
		for _, other := range measured[1:] {
			theirs, ratios := column(other, what), make([]float64, len(other))
			for i := range ratios {
				ratios[i] = own[i] / theirs[i]
			}
			fmt.Fprintf(w, " %.2f (%.2f to %.2f), fastest %.2f |", quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75), slices.Min(own)/slices.Min(theirs))
		}
		fmt.Fprintln(w)
	}
}

// column is one figure of all rounds.
func column(rounds []figures, what string) []float64 {
	values := make([]float64, len(rounds))
	for i, f := range rounds {
		values[i] = f[what]
	}
	return values
}

func rows() (list []string) {
	for _, side := range sides {
		list = append(list, onLoopback(side), byMetric(side))
	}
	return append(list, processor)
}

func onLoopback(side string) string { return "a request to /" + side + ", on loopback" }
func byMetric(side string) string   { return "podfence_decision_duration_seconds, " + side }

const processor = "processor time for a request to each"

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1))]
}
