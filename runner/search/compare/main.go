// Command compare answers compare.py: for every line of JSON with a space, a seed and observations, the point that is
// proposed next.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"ordo/runner/search"
)

// question is a line of the input. What a point lacks is null.
type question struct {
	Space  search.Space
	Seed   uint64
	Points [][]*float64
	Values []float64
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var q question
		err := in.Decode(&q)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = q.Space.Validate()
		}
		if err == nil {
			err = out.Encode(q.answer())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func (q question) answer() []*float64 {
	var seen []search.Observation
	for i, p := range q.Points {
		o := search.Observation{Value: q.Values[i]}
		for _, x := range p {
			if x == nil {
				nan := math.NaN()
				x = &nan
			}
			o.Point = append(o.Point, *x)
		}
		seen = append(seen, o)
	}
	var point []*float64
	for _, x := range search.DefaultTPE(q.Space, q.Seed).Propose(len(seen), 0, seen) {
		if math.IsNaN(x) {
			point = append(point, nil)
			continue
		}
		point = append(point, &x)
	}
	return point
}
