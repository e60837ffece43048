package held

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	definitionvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/policy"
)

// server checks custom resources with the code of the API server.
type server struct {
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

// newServer takes a definition as the API server would when it is created.
func newServer(t *testing.T, file string) server {
	t.Helper()
	return serverOf(t, definitionIn(t, file))
}

func definitionIn(t *testing.T, file string) (d apiextensionsv1.CustomResourceDefinition) {
	t.Helper()
	if err := yaml.UnmarshalStrict(read(t, file), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// wholeServer has the published schema for the spec, as one whose objects are of no
// namespace would: without the names alone, of which an object has one.
func wholeServer(t *testing.T) server {
	t.Helper()
	d := definitionIn(t, "examples/crd/podpolicies.yaml")
	var spec apiextensionsv1.JSONSchemaProps
	if err := yaml.UnmarshalStrict(read(t, "docs/policy.openapi.yaml"), &spec); err != nil {
		t.Fatal(err)
	}
	delete(spec.Properties, "name")
	delete(spec.Properties, "namespace")
	d.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"] = spec
	return serverOf(t, d)
}

func serverOf(t *testing.T, external apiextensionsv1.CustomResourceDefinition) server {
	t.Helper()
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&external)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&external.Spec)
	var definition apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&external, &definition, nil); err != nil {
		t.Fatal(err)
	}
	definition.Status.StoredVersions = []string{"v1"}
	if errs := definitionvalidation.ValidateCustomResourceDefinition(context.Background(), &definition); len(errs) > 0 {
		t.Fatalf("the definition is refused: %v", errs.ToAggregate())
	}
	props := definition.Spec.Validation.OpenAPIV3Schema
	structural, err := structuralschema.NewStructural(props)
	if err != nil {
		t.Fatal(err)
	}
	schema, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		t.Fatal(err)
	}
	return server{structural, schema, cel.NewValidator(structural, true, math.MaxUint64)}
}

// store is what the server stores of an object with a spec, or why it does not. With
// strict field validation, as kubectl asks for it, unknown fields are refused.
func (s server) store(spec any, strict bool) (stored map[string]any, err error) {
	object := map[string]any{
		"apiVersion": "example.com/v1", "kind": "PodPolicy", "metadata": map[string]any{"name": "p", "namespace": "n"}, "spec": spec,
	}
	data, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	if err := utiljson.Unmarshal(data, &stored); err != nil {
		return nil, err
	}
	unknown := pruning.PruneWithOptions(stored, s.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	if len(unknown) > 0 && strict {
		return nil, fmt.Errorf("unknown fields %q", unknown)
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(stored, s.structural)
	errs := validation.ValidateCustomResource(nil, stored, s.schema)
	if len(errs) == 0 {
		errs, _ = s.rules.Validate(context.Background(), nil, s.structural, stored, nil, math.MaxInt64)
	}
	return stored, errs.ToAggregate()
}

// resource is a custom resource as Go holds it.
type resource struct {
	Spec policy.Policy `json:"spec"`
}

// decode reads what the server stored, as a client with Go types does.
func decode(stored map[string]any) (resource, error) {
	var r resource
	data, err := json.Marshal(stored)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(data, &r)
}

// notInResources are the rows that the schema for custom resources does not refuse.
var notInResources = exceptions{
	"an object has no notation": {
		"date label value", "old boolean label value", "old boolean label key", "number label key", "tagged key", "tagged block", "tagged policy",
		"octal number", "leading zero without octal digits", "several zeros", "new octal number", "exponent", "fraction of nothing",
		"hexadecimal", "underscore", "plus sign", "a boolean in a list",
	},
	"a list of this kind may hold a value twice":            {"a namespace twice"},
	"an object has no key twice: kubectl refuses it before": {"label given twice", "key given twice", "block given twice"},
	"the API server drops nulls, so that the key is not given": {
		"bare boolean", "null boolean", "tilde boolean", "bare number", "bare allow", "bare mutations", "bare volumes", "bare runAsUser",
		"bare namespaces", "a bare namespaceSelector", "bare fsGroup", "supplementalGroups without a value", "bare supplementalGroups to fill",
	},
	"the object has a name and a namespace of its own": {
		"namespace with a dot", "empty namespace", "bare namespace", "name in upper case", "name that is a number",
		"second policy without a name", "same name twice", "same name twice in a namespace", "namespace and namespaces",
		"one name in a namespace of two lists", "one name in a list and beside it", "one name for two selectors",
	},
	"it is a value to fill, held against a rule in another block": toFill,
	"it is no object": {"nothing", "only comments"},
}

// ofPolicies are the rows whose documents are policies each, and no values files.
func ofPolicies(t *testing.T) (found []row) {
	for _, r := range rows(t) {
		docs, _ := documents(r.In)
		if !slices.ContainsFunc(docs, func(doc any) bool { m, _ := doc.(map[string]any); return m["constraints"] != nil }) {
			found = append(found, r)
		}
	}
	if len(found) < 530 {
		t.Fatalf("%d rows are policies, want 530 at least", len(found))
	}
	return found
}

// TestAnObjectIsOfItsNamespace: who may write objects of the example in one namespace
// makes policies for no other.
func TestAnObjectIsOfItsNamespace(t *testing.T) {
	s := newServer(t, "examples/crd/podpolicies.yaml")
	for key, value := range map[string]any{
		"namespace": "kube-system", "namespaces": []any{"kube-system"},
		"namespaceSelector": map[string]any{"matchLabels": map[string]any{"team": "a"}},
	} {
		spec := map[string]any{"podSelectorLabels": map[string]any{"app": "web"}, key: value}
		if _, err := s.store(spec, true); err == nil {
			t.Errorf("%s is stored", key)
		}
		stored, err := s.store(spec, false)
		if kept := stored["spec"].(map[string]any)[key]; err != nil || kept != nil {
			t.Errorf("%s: %v, %v", key, kept, err)
		}
	}
}

// TestCustomResourceIsTheParsers: the definition is one that the API server takes, and
// by it the server refuses what the parser does, and nothing else.
func TestCustomResourceIsTheParsers(t *testing.T) {
	s := wholeServer(t)
	judge(t, ofPolicies(t), notInResources, func(doc any) error {
		if p, ok := doc.(map[string]any); ok {
			delete(p, "name")
			delete(p, "namespace")
		}
		stored, err := s.store(doc, true)
		if err != nil {
			return err
		}
		if _, err := decode(stored); err != nil {
			t.Errorf("%v is stored, and nobody can read it: %v", doc, err)
		}
		return nil
	})
}

// TestStoredIsDecoded: whatever the server stores as a user rule, a client can decode:
// one bad object breaks nobody's list of all objects.
func TestStoredIsDecoded(t *testing.T) {
	s := newServer(t, "examples/crd/podpolicies.yaml")
	stored := 0
	rapid.Check(t, func(t *rapid.T) {
		rule := genJSON(3).Draw(t, "runAsUser")
		object, err := s.store(map[string]any{
			"podSelectorLabels": map[string]any{"app": "web"}, "allow": map[string]any{"runAsUser": rule},
		}, false)
		if err != nil {
			return
		}
		stored++
		r, err := decode(object)
		if err != nil {
			t.Fatalf("%v is stored as %v, and nobody can read it: %v", rule, object["spec"], err)
		}
		if err := r.Spec.Validate(); err != nil && !onlyOrder(err) {
			t.Fatalf("%v is stored as %v: %v", rule, object["spec"], err)
		}
	})
	if stored < 5 {
		t.Errorf("%d of the objects were stored: the test says little", stored)
	}
}

// onlyOrder reports whether a policy has no mistake but a minimum above its maximum,
// which a schema without a type cannot compare.
func onlyOrder(err error) bool {
	var all policy.Errors
	if !errors.As(err, &all) {
		return false
	}
	for _, e := range all {
		if e.Fix != "write the lower one as min" {
			return false
		}
	}
	return true
}

// genJSON draws values of JSON that look like user rules.
func genJSON(depth int) *rapid.Generator[any] {
	words := rapid.SampledFrom([]any{"MustRunAs", "MustRunAsNonRoot", "RunAsAny", "MayRunAs", "", "root", "null"})
	scalars := rapid.OneOf(words, rapid.SampledFrom([]any{nil, true, false, 0, 1, -1, 1.5, 1.0, 400, 2147483647, 2147483648, 1e20}))
	if depth == 0 {
		return scalars
	}
	inner := genJSON(depth - 1)
	return rapid.OneOf(
		scalars,
		rapid.Map(rapid.SliceOfN(inner, 0, 2), func(l []any) any { return l }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"rule", "ranges", "min", "max", "x"}), inner, 0, 3), func(m map[string]any) any { return m }),
		rapid.Custom(func(t *rapid.T) any {
			return map[string]any{"rule": words.Draw(t, "rule"), "ranges": rapid.SliceOfN(genRange(inner), 0, 2).Draw(t, "ranges")}
		}),
		rapid.Custom(func(t *rapid.T) any {
			return map[string]any{"rule": words.Draw(t, "rule"), rapid.SampledFrom([]string{"rule", "ranges", "x"}).Draw(t, "key"): inner.Draw(t, "value")}
		}),
	)
}

func genRange(inner *rapid.Generator[any]) *rapid.Generator[any] {
	return rapid.OneOf(inner, rapid.Map(rapid.IntRange(0, 5), func(n int) any { return map[string]any{"min": n, "max": 3, "x": n} }))
}
