package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/podfence/podfence"
)

// TestRecordsAreWhole: what the library says of a decision is in the command's
// answer, key by key, though that is put together from parts.
func TestRecordsAreWhole(t *testing.T) {
	keys := func(value any) (keys []string) {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		for key := range members {
			keys = append(keys, key)
		}
		return keys
	}
	rows := []struct{ library, command any }{
		{podfence.DecisionRecord{}, admitRecord{}},
		{podfence.DecisionRecord{}.ResultRecord, evaluateRecord{}},
	}
	for _, row := range rows {
		has := keys(row.command)
		for _, key := range keys(row.library) {
			if !slices.Contains(has, key) {
				t.Errorf("%v has no key %s", reflect.TypeOf(row.command), key)
			}
		}
		if len(has) < 10 {
			t.Errorf("%v has the keys %q alone", reflect.TypeOf(row.command), has)
		}
	}
}
