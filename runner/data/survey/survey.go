package survey

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"

	"ordo/runner/data/source"
)

// Survey is what is known of an image set.
type Survey struct {
	Classes    []Class    `json:"classes"` // in the order of their labels; empty without labels
	Train      Split      `json:"train"`
	Test       Split      `json:"test"`
	Duplicates Duplicates `json:"duplicates"`
}

// Class is a class and its numbers of images.
type Class struct {
	Name  string `json:"name"`
	Train int    `json:"train"`
	Test  int    `json:"test"`
}

// Split is what is known of one split.
type Split struct {
	Images     int       `json:"images"`
	Unlabelled int       `json:"unlabelled"` // images without a label
	Width      Range     `json:"width"`      // in pixels
	Height     Range     `json:"height"`
	Formats    []Count   `json:"formats"`  // the most frequent first
	Channels   []Count   `json:"channels"` // of the files: grey, colour, or with alpha or black
	Bytes      int64     `json:"bytes"`    // of all images on disk
	Unreadable []Failure `json:"unreadable"`
	Key        string    `json:"key"` // names the content: source.Set
}

// Range is what a number comes to.
type Range struct {
	Min    int `json:"min"`
	Median int `json:"median"` // the lower one of two
	Max    int `json:"max"`
}

// Count is how many images are of a kind.
type Count struct {
	Name   string `json:"name"`
	Images int    `json:"images"`
}

// Duplicates are images with equal content.
type Duplicates struct {
	Groups   int             `json:"groups"`   // of images that are equal
	Images   int             `json:"images"`   // in these groups
	Across   int             `json:"across"`   // groups with images of both splits
	Examples [][]source.Name `json:"examples"` // ids of the first groups, those across splits first; at most 10, of 5 ids
}

// Failure is an image that can't be read.
type Failure struct {
	Split string      `json:"split"` // train or test
	ID    source.Name `json:"id"`
	Cause string      `json:"cause"`
}

// splits are the names of the two halves.
var splits = [2]string{"train", "test"}

// item is what Take knows of an image.
type item struct {
	split, index int
	header       source.Header
	digest       string
	err          error
}

// Take surveys both splits, on all cores. Progress may be nil; it hears how many headers are read, in one call at a
// time. The error is the context's.
func Take(ctx context.Context, train, test source.Set, progress func(done, total int)) (Survey, error) {
	sets := [2]source.Set{train, test}
	var items []item
	for s, set := range sets {
		for i := range set.Len() {
			items = append(items, item{split: s, index: i})
		}
	}
	err := each(ctx, len(items), progress, func(i int) {
		it := &items[i]
		it.header, it.err = inspect(sets[it.split], it.index)
	})
	if err != nil {
		return Survey{}, err
	}
	out := Survey{
		Classes: []Class{},
		Train:   summary(train, items[:train.Len()], splits[0]),
		Test:    summary(test, items[train.Len():], splits[1]),
	}
	for _, name := range train.Classes() {
		out.Classes = append(out.Classes, Class{Name: name})
	}
	for s, set := range sets {
		for i := range set.Len() {
			label := set.Label(i)
			switch {
			case label < 0:
			case s == 0:
				out.Classes[label].Train++
			default:
				out.Classes[label].Test++
			}
		}
	}
	out.Duplicates, err = duplicates(ctx, sets, items)
	return out, err
}

// inspect reads a header, or the image where the set can't tell.
func inspect(set source.Set, i int) (source.Header, error) {
	if s, ok := set.(source.Inspector); ok {
		return s.Inspect(i)
	}
	m, err := set.Image(i)
	return source.Header{Format: "unknown", Width: m.Width, Height: m.Height, Channels: 3}, err
}

func summary(set source.Set, items []item, name string) Split {
	out := Split{Images: set.Len(), Key: set.Key(), Unreadable: []Failure{}}
	var widths, heights []int
	formats, channels, seen := map[string]int{}, map[string]int{}, map[string]bool{}
	for i, it := range items {
		if set.Label(i) < 0 {
			out.Unlabelled++
		}
		if it.err != nil {
			out.Unreadable = append(out.Unreadable, Failure{name, source.Name(set.ID(i)), it.err.Error()})
			continue
		}
		h := it.header
		widths, heights = append(widths, h.Width), append(heights, h.Height)
		if file := shared(set, i); file == "" || !seen[file] { // a photograph with many boxes is on the disk once
			out.Bytes += h.Bytes
			seen[file] = true
		}
		formats[h.Format]++
		channels[map[int]string{1: "grey", 3: "colour", 4: "alpha or CMYK"}[h.Channels]]++
	}
	out.Width, out.Height = spread(widths), spread(heights)
	out.Formats, out.Channels = counts(formats), counts(channels)
	return out
}

// shared is the file that an item may have in common with others, or "".
func shared(set source.Set, i int) string {
	if s, ok := set.(interface{ SharedFile(i int) string }); ok {
		return s.SharedFile(i)
	}
	return ""
}

func spread(values []int) Range {
	if len(values) == 0 {
		return Range{}
	}
	slices.Sort(values)
	return Range{values[0], values[(len(values)-1)/2], values[len(values)-1]}
}

func counts(m map[string]int) []Count {
	out := []Count{}
	for name, n := range m {
		out = append(out, Count{name, n})
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(b.Images-a.Images, cmp.Compare(a.Name, b.Name)) })
	return out
}

// duplicates finds items with equal content. Only those whose headers are equal are read.
func duplicates(ctx context.Context, sets [2]source.Set, items []item) (Duplicates, error) {
	alike := map[source.Header][]int{}
	for i, it := range items {
		if it.err == nil && it.header.Bytes > 0 {
			alike[it.header] = append(alike[it.header], i)
		}
	}
	var candidates []int
	for _, group := range alike {
		if len(group) > 1 {
			candidates = append(candidates, group...)
		}
	}
	err := each(ctx, len(candidates), nil, func(i int) {
		it := &items[candidates[i]]
		if s, ok := sets[it.split].(source.Inspector); ok {
			it.digest, it.err = s.Digest(it.index)
		}
	})
	if err != nil {
		return Duplicates{}, err
	}
	slices.Sort(candidates)
	groups := map[string][]int{}
	for _, i := range candidates {
		if items[i].err == nil && items[i].digest != "" {
			groups[items[i].digest] = append(groups[items[i].digest], i)
		}
	}
	var found [][]int
	for _, g := range groups {
		if len(g) > 1 {
			found = append(found, g)
		}
	}
	across := func(g []int) bool { return items[g[0]].split != items[g[len(g)-1]].split } // they are in order
	slices.SortFunc(found, func(a, b []int) int {
		if across(a) != across(b) {
			if across(a) {
				return -1
			}
			return 1
		}
		return a[0] - b[0]
	})
	out := Duplicates{Groups: len(found), Examples: [][]source.Name{}}
	for _, g := range found {
		out.Images += len(g)
		if across(g) {
			out.Across++
		}
		if len(out.Examples) < 10 {
			few := g
			if len(few) > 5 {
				few = append(slices.Clone(g[:4]), g[len(g)-1])
			}
			var ids []source.Name
			for _, i := range few {
				ids = append(ids, source.Name(sets[items[i].split].ID(items[i].index)))
			}
			out.Examples = append(out.Examples, ids)
		}
	}
	return out, nil
}

// Verify decodes every image of both splits, on all cores, and returns those that can't be read, in the sets' order.
// Progress may be nil; it hears how many are decoded, in one call at a time. The error is the context's.
func Verify(ctx context.Context, train, test source.Set, progress func(done, total int)) ([]Failure, error) {
	n := train.Len() + test.Len()
	errs := make([]error, n)
	at := func(i int) (source.Set, string, int) {
		if i < train.Len() {
			return train, splits[0], i
		}
		return test, splits[1], i - train.Len()
	}
	err := each(ctx, n, progress, func(i int) {
		set, _, j := at(i)
		_, errs[i] = set.Image(j)
	})
	if err != nil {
		return nil, err
	}
	failures := []Failure{}
	for i, err := range errs {
		if err != nil {
			set, split, j := at(i)
			failures = append(failures, Failure{split, source.Name(set.ID(j)), err.Error()})
		}
	}
	return failures, nil
}

// each calls do for 0 … n-1 on all cores, until ctx is done.
func each(ctx context.Context, n int, progress func(done, total int), do func(i int)) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	next, done := 0, 0
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= n {
					return
				}
				do(i)
				if progress != nil {
					mu.Lock()
					done++
					progress(done, n)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return nil
}
