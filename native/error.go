package native

import "errors"

var errNotYet = errors.New("native: not rendered yet")
