package native

import "github.com/podfence/podfence/policy"

// A policy is a list of parts: the policy itself, then its entries for single
// containers. The view of a container is the parts that speak of it.

// viewOf is the view that policy p has of container x.
const viewOf = "(p.size() == 1 ? p : p.filter(e, e.at[0] == '00' || (!('kinds' in e) || x.entryKind in e.kinds) && (!('names' in e) || e.names.exists(w, w.endsWith('*') ? x.c.name.startsWith(w.substring(0, w.size() - 1)) : x.c.name == w)) && " +
	"(!('images' in e) || variables.images[n] in e.images || e.images.exists(w, w.endsWith('*') && variables.images[n].startsWith(w.substring(0, w.size() - 1))))))"

// entryKind is the kind of a container c of the pod, in the words of an entry.
var entryKinds = map[string]string{
	"initContainers": "(c.?restartPolicy.orValue('') == 'Always' ? '" + string(policy.KindSidecar) + "' : '" + string(policy.KindInit) + "')",
	"containers":     "'" + string(policy.KindRegular) + "'", "ephemeralContainers": "'" + string(policy.KindEphemeral) + "'",
}
