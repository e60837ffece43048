package author_test

import (
	"fmt"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/policy"
)

// ExampleCompare says what one capability more opens.
func ExampleCompare() {
	old := &policy.Policy{Allow: policy.Allow{AllowedCapabilities: []string{"NET_ADMIN"}}}
	new := &policy.Policy{Allow: policy.Allow{AllowedCapabilities: []string{"NET_ADMIN", "SYS_TIME"}}}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

	c := author.Compare(old, new, level)
	fmt.Println(c.Relation)
	for _, d := range c.Differences {
		fmt.Println(d.Direction, d.Text())
	}
	// Output:
	// wider
	// widens a container that adds the capability SYS_TIME
}
