package yamledit

import (
	"fmt"
	"strings"
	"testing"
)

// TestLargeList is a list of 2,000 pods with three edits each, in block style, as pretty JSON and on one line. It asserts
// what comes out; a cost that grew with the square of the size would show as a test which does not end.
func TestLargeList(t *testing.T) {
	const pods = 2000
	for _, style := range []struct{ name, head, pod, tail, added string }{
		{
			"block", "kind: List\nitems:\n",
			"- metadata:\n    name: p # é\n  # spec\n  spec:\n    text: |\n      one\n    containers:\n    - name: a\n      securityContext:\n    - name: b\n",
			"", "\n      securityContext:\n        runAsNonRoot: true\n",
		},
		{
			"json", "{\n  \"items\": [\n",
			"    {\n      \"spec\": {\n        \"containers\": [\n          {\n            \"name\": \"a\",\n" +
				"            \"securityContext\": null\n          },\n          {\n            \"name\": \"é\"\n          }\n        ]\n      }\n    },\n",
			"    null\n  ]\n}\n", "\n            \"securityContext\": {\n              \"runAsNonRoot\": true\n            },\n",
		},
		{
			"one line", `{"items":[`, `{"spec":{"containers":[{"name":"a","securityContext":null},{"name":"é"}]}},`, "null]}",
			`"securityContext":{"runAsNonRoot":true}`,
		},
	} {
		t.Run(style.name, func(t *testing.T) {
			src := style.head + strings.Repeat(style.pod, pods) + style.tail
			out, err := Insert([]byte(src), threeEach(pods))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(string(out), style.added); got < pods {
				t.Errorf("%d additions, want %d", got, pods)
			}
		})
	}
}

func threeEach(pods int) []Edit {
	var edits []Edit
	for i := range pods {
		spec := fmt.Sprintf("items/%d/spec/", i)
		edits = append(edits, at(spec+"securityContext", nonRoot), at(spec+"containers/0/securityContext", nonRoot),
			at(spec+"containers/1/securityContext", nonRoot))
	}
	return edits
}
