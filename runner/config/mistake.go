package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ordo/models/fault"
)

// mistake is one thing that the user wrote wrong, a fault of kind Config.
type mistake struct {
	origin origin
	text   string // a sentence that begins with the key, if there is one
}

func (m *mistake) Error() string { return m.origin.label + ": " + m.text }

func (m *mistake) Unwrap() error { return fault.Config }

// origin says where a value was written.
type origin struct {
	label string // file:line, variable or override, as errors show it
	order int    // mistakes are sorted by it: lines of the file, then variables, then overrides
}

// mistakes collects.
type mistakes []*mistake

func (ms *mistakes) add(at origin, format string, args ...any) {
	*ms = append(*ms, &mistake{origin: at, text: fmt.Sprintf(format, args...)})
}

// err joins the mistakes in the order in which they are written.
func (ms mistakes) err() error {
	slices.SortFunc(ms, func(a, b *mistake) int {
		return cmp.Or(cmp.Compare(a.origin.order, b.origin.order), cmp.Compare(a.text, b.text))
	})
	errs := make([]error, len(ms))
	for i, m := range ms {
		errs[i] = m
	}
	return errors.Join(errs...)
}

// dotted turns the indices of a key into keys: ordered[0].max into ordered.0.max.
var dotted = strings.NewReplacer("[", ".", "]", "")

// origins remembers where every key was set.
type origins struct {
	files []string         // the experiment's, and behind it the ones that it extends
	lines map[string]place // by path with dots, for all keys and list entries of the files
	later []setting        // variables and overrides, later ones over earlier ones
	count int              // of places that next gave away
}

// place is a line of one of the files; line 0 is the whole file.
type place struct{ file, line int }

// setting is a key that a variable or an override sets.
type setting struct {
	path string
	at   origin
}

// of returns where the value of a key was written. A value that is not written anywhere has the place of
// its section.
func (o *origins) of(path string) origin {
	path = dotted.Replace(path)
	for _, s := range slices.Backward(o.later) {
		if path == s.path || strings.HasPrefix(path, s.path+".") {
			return s.at
		}
	}
	for {
		if at, ok := o.lines[path]; ok {
			return o.at(at)
		}
		end := strings.LastIndexByte(path, '.')
		if end < 0 {
			return o.at(place{})
		}
		path = path[:end]
	}
}

func (o *origins) at(p place) origin {
	label := o.files[p.file]
	if p.line > 0 {
		label = fmt.Sprintf("%s:%d", label, p.line)
	}
	return origin{label: label, order: p.file*maxFile + p.line}
}

// next returns the place of a new variable or override, behind all that is there.
func (o *origins) next(label string) origin {
	o.count++
	return origin{label: label, order: (maxExtends+1)*maxFile + o.count}
}
