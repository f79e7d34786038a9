package source

import "strings"

// Alike are images that can't be read for one reason.
type Alike struct {
	Reason string // without the image's path
	IDs    []string
}

// GroupAlike puts n images that can't be read for one reason together, in the order of the first of each.
func GroupAlike(n int, image func(i int) (id, cause string)) []Alike {
	var groups []Alike
	at := map[string]int{}
	for i := range n {
		id, cause := image(i)
		reason := cause
		if _, rest, ok := strings.Cut(cause, id+": "); ok { // a path ends in the id
			reason = rest
		}
		k, ok := at[reason]
		if !ok {
			k = len(groups)
			at[reason] = k
			groups = append(groups, Alike{Reason: reason})
		}
		groups[k].IDs = append(groups[k].IDs, id)
	}
	return groups
}
