// Package patches holds law 3 of package podfence, that the patch of a report
// applied to the pod's JSON gives the JSON of the filled pod, against an
// implementation of RFC 6902 that is not ours: github.com/evanphx/json-patch, whose
// version 4 the API server applies patches with. It has tests only.
package patches
