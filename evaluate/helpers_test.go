package evaluate_test

import "k8s.io/apimachinery/pkg/api/equality"

// equal compares API objects, nil and empty lists told apart by neither side.
func equal(a, b any) bool { return equality.Semantic.DeepEqual(a, b) }
