package main

import (
	"io"

	"github.com/podfence/podfence/spec"
)

// printable makes what is logged printable. The names in a line come from whoever
// sent the request, and the loggers escape no more than JSON demands: not the C1
// control characters, which a terminal obeys, nor those that turn the direction.
type printable struct{ io.Writer }

// Write writes a line whole or not at all.
func (p printable) Write(line []byte) (int, error) {
	if _, err := p.Writer.Write(spec.PrintableJSON(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}
