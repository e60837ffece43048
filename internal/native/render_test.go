package native_test

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	kjson "sigs.k8s.io/json"

	"github.com/podfence/podfence/native"
	"github.com/podfence/podfence/policy"
)

// rendered are the objects of a set as the API server holds them: in its types, into
// which they are decoded strictly, and with its defaults.
func rendered(set policy.Set, o native.Options) (*objects, error) {
	r, err := native.Render(set, o)
	if err != nil {
		return nil, err
	}
	return decodedObjects(r.List())
}

func decodedObjects(list []any) (*objects, error) {
	all := &objects{}
	for _, object := range list {
		var err error
		switch object.(type) {
		case *native.ValidatingAdmissionPolicy:
			all.validating, err = appendDecoded(all.validating, object)
		case *native.ValidatingAdmissionPolicyBinding:
			all.validatingBindings, err = appendDecoded(all.validatingBindings, object)
		case *native.MutatingAdmissionPolicy:
			all.mutating, err = appendDecoded(all.mutating, object)
		case *native.MutatingAdmissionPolicyBinding:
			all.mutatingBindings, err = appendDecoded(all.mutatingBindings, object)
		default:
			err = fmt.Errorf("an object of type %T", object)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// appendDecoded appends an object in upstream's type.
func appendDecoded[T any, O interface {
	*T
	runtime.Object
}](list []O, object any) ([]O, error) {
	decoded := O(new(T))
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	strict, err := kjson.UnmarshalStrict(text, decoded)
	if err != nil {
		return nil, err
	}
	if len(strict) > 0 {
		return nil, fmt.Errorf("%T is not upstream's: %v", object, strict)
	}
	legacyscheme.Scheme.Default(decoded)
	return append(list, decoded), nil
}
