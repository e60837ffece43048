package native

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The objects of admissionregistration.k8s.io/v1, as far as this package fills them.
// MutatingAdmissionPolicy has been in that version since v1.36 only, and this module
// builds against older ones too. Keys and meaning are those of k8s.io/api.

// APIVersion is the version of all objects.
const APIVersion = "admissionregistration.k8s.io/v1"

// The kinds of the objects.
const (
	KindValidatingPolicy  = "ValidatingAdmissionPolicy"
	KindValidatingBinding = "ValidatingAdmissionPolicyBinding"
	KindMutatingPolicy    = "MutatingAdmissionPolicy"
	KindMutatingBinding   = "MutatingAdmissionPolicyBinding"
)

// Metadata is the part of an object's metadata that is rendered.
type Metadata struct {
	Name        string            `json:"name"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// ValidatingAdmissionPolicy says which pods are refused, and why.
type ValidatingAdmissionPolicy struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        Metadata       `json:"metadata"`
	Spec            ValidatingSpec `json:"spec"`
}

// ValidatingSpec is the spec of a [ValidatingAdmissionPolicy].
type ValidatingSpec struct {
	FailurePolicy    string            `json:"failurePolicy"`
	MatchConstraints *MatchResources   `json:"matchConstraints"`
	MatchConditions  []Condition       `json:"matchConditions,omitempty"`
	Variables        []Variable        `json:"variables,omitempty"`
	Validations      []Validation      `json:"validations"`
	AuditAnnotations []AuditAnnotation `json:"auditAnnotations,omitempty"`
}

// ValidatingAdmissionPolicyBinding puts a [ValidatingAdmissionPolicy] in force.
type ValidatingAdmissionPolicyBinding struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        Metadata              `json:"metadata"`
	Spec            ValidatingBindingSpec `json:"spec"`
}

// ValidatingBindingSpec is the spec of a [ValidatingAdmissionPolicyBinding].
type ValidatingBindingSpec struct {
	PolicyName        string   `json:"policyName"`
	ValidationActions []string `json:"validationActions"`
}

// MutatingAdmissionPolicy says what is filled in.
type MutatingAdmissionPolicy struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        Metadata     `json:"metadata"`
	Spec            MutatingSpec `json:"spec"`
}

// MutatingSpec is the spec of a [MutatingAdmissionPolicy].
type MutatingSpec struct {
	FailurePolicy      string          `json:"failurePolicy"`
	ReinvocationPolicy string          `json:"reinvocationPolicy"`
	MatchConstraints   *MatchResources `json:"matchConstraints"`
	MatchConditions    []Condition     `json:"matchConditions,omitempty"`
	Variables          []Variable      `json:"variables,omitempty"`
	Mutations          []Mutation      `json:"mutations"`
}

// MutatingAdmissionPolicyBinding puts a [MutatingAdmissionPolicy] in force.
type MutatingAdmissionPolicyBinding struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        Metadata            `json:"metadata"`
	Spec            MutatingBindingSpec `json:"spec"`
}

// MutatingBindingSpec is the spec of a [MutatingAdmissionPolicyBinding].
type MutatingBindingSpec struct {
	PolicyName string `json:"policyName"`
}

// MatchResources says of which requests a policy is asked.
type MatchResources struct {
	MatchPolicy       string                `json:"matchPolicy"`
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`
	ObjectSelector    *metav1.LabelSelector `json:"objectSelector,omitempty"`
	ResourceRules     []ResourceRule        `json:"resourceRules"`
}

// ResourceRule names operations on resources.
type ResourceRule struct {
	APIGroups   []string `json:"apiGroups"`
	APIVersions []string `json:"apiVersions"`
	Operations  []string `json:"operations"`
	Resources   []string `json:"resources"`
	Scope       string   `json:"scope"`
}

// Condition is one that a request must meet for the policy to be asked.
type Condition struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

// Variable is an expression that others use by its name, as variables.name. It is
// evaluated once, when somebody first asks for it.
type Variable struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

// Validation is what must be true of an allowed object.
type Validation struct {
	Expression        string `json:"expression"`
	Message           string `json:"message,omitempty"`
	MessageExpression string `json:"messageExpression,omitempty"`
	Reason            string `json:"reason,omitempty"`
}

// AuditAnnotation is a text for the audit log.
type AuditAnnotation struct {
	Key             string `json:"key"`
	ValueExpression string `json:"valueExpression"`
}

// Mutation is a change.
type Mutation struct {
	PatchType string     `json:"patchType"`
	JSONPatch *JSONPatch `json:"jsonPatch,omitempty"`
}

// JSONPatch is an expression whose value is a list of operations.
type JSONPatch struct {
	Expression string `json:"expression"`
}
