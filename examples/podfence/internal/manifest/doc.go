// Package manifest reads Kubernetes manifests as a stream and finds the workloads in them.
//
// Most callers need two calls:
//
//	files, err := manifest.Files(args, recursive)
//	for chunk, err := range manifest.Read(r, file) { ... }
//
// Laws, each held by a test:
//
//   - The Raw bytes of all chunks, concatenated, are the input, byte for byte, whatever the input, unless it ends with an
//     error (TestReadProperty, FuzzRead).
//   - No workload is passed over in silence. It comes out typed, or with an Err that says why it could not be decided
//     (TestRead, TestReadProperty).
//   - One bad document does not hide the others (TestRead).
//   - A list needs memory for its largest item, not for its length (TestJSONListMemory, TestYAMLListMemory).
//   - Nothing is held beyond a limit, whatever the input (TestEndless).
//
// # What is an object
//
// A YAML document, a JSON object of a stream, the object of an AdmissionReview, or an item of a list: v1 List, every kind
// whose name ends in "List", and a list with nothing around it, as jq makes one.
// An item that lacks kind or apiVersion takes both from a typed list, as kubectl does. The list itself is a wrapper and
// no object. Lists may stand in lists, up to 16 deep.
//
// A kind that holds a pod is decoded as the API server decodes it: YAML through sigs.k8s.io/yaml (YAML 1.1, so `yes` is
// true; with a merge key the later of merge and own key holds), then JSON with case-sensitive names; unknown fields are
// tolerated. Two things are stricter, because which value holds would be a guess: a key given twice in a mapping, and a
// text that the YAML library would read only in part. Every other kind is an Object with neither Typed nor Err; Object.Tree
// decodes it when something in it may be a pod, and Object.Unknown names the fields that an API type does not have.
//
// A workload in which nothing is unknown, of the wrong type or given twice is read sparsely, by package review: what the
// library looks at, and nothing else. Any other is decoded whole. No answer of the library depends on which.
//
// # YAML or JSON
//
// A stream whose first byte other than white space is "{", or "[" before a "{", is JSON if its first member reads as
// JSON: one object or several one after another, or a list of them. It turns into YAML at a line "---", "..." or "#" between objects, and at a line "---" after
// broken JSON: a JSON string holds no line break, so such a line is never inside one. Everything else is YAML.
//
// # What is held in memory
//
// YAML: one document. JSON: one top-level object, but of a list only one item; and so of a list in YAML that is longer than
// 1 MiB and has its items as dashes at one indentation, as kubectl writes it. One in another form, or with an alias that
// leads out of its item, is read as a whole. kubectl writes the members of a list in alphabetical order, items before kind;
// what the object is, is then not known when its items come:
//
//   - The first 4 MiB are held until kind is known. The API server takes no request above 3 MiB, so that a single object
//     is always read whole and exactly: items of a ConfigMap, or of a custom resource, are not taken for API objects.
//   - Beyond 4 MiB it can only be a list. Items that carry apiVersion and kind are delivered at once; an item
//     that lacks one of them, and all after it, wait for the list's kind, up to 64 MiB in JSON. Beyond, and in YAML at
//     once, an Err says that kind must come first.
//
// A document, an object or an item that is larger than the limit, 8 MiB unless ReadWithin is told another, or that may hold
// more than a value for 16 bytes of the limit, is an Err; its text is passed without being held. What follows it is read,
// unless its end is farther than 16 limits: then reading stops with an error, as it does behind broken JSON.
package manifest
