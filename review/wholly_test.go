package review

import "testing"

// TestWholly: wherever in an object reading ends, the next thing that is read is what
// stands behind it.
func TestWholly(t *testing.T) {
	const object = `{"a":{"b":[1,{"c":2}]},"d":3}`
	const tokens = 15 // one more than it has
	for read := range tokens {
		var d decoder
		d.reset([]byte(`[`+object+`,"behind"]`), DefaultLimit)
		if err := d.bracket(); err != nil {
			t.Fatal(err)
		}
		r := &Request{}
		err := d.wholly(r, func(d *decoder) error {
			for range read {
				if d.json.StackDepth() == 1 && d.json.InputOffset() > 1 {
					break // it was read to its end
				}
				if _, err := d.json.ReadToken(); err != nil {
					t.Fatal(err)
				}
			}
			return &Error{Text: "something is wrong"}
		})
		behind := ""
		if err == nil {
			err = text(&d, &behind)
		}
		if err != nil || behind != "behind" || r.unread == nil {
			t.Errorf("after %d tokens: read %q, %v, unread %v", read, behind, err, r.unread)
		}
	}
}
