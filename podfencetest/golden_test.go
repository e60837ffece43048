package podfencetest

import (
	"os"
	"testing"
)

// sameAs holds a text to a file of testdata, which UPDATE_GOLDEN=1 writes.
func sameAs(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv(update) != "" {
		if err := write(file, got); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s says:\n%s\nnow:\n%s", file, want, got)
	}
}
