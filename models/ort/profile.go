package ort

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// OpTime is the time that all nodes of one operator took, and what they did in it.
type OpTime struct {
	Op         string // such as Conv
	Time       time.Duration
	Calls      int
	Operations float64 // see the function Operations
	Bytes      float64 // of all inputs and outputs, each once, but for lists of tensors
}

func (o OpTime) plus(p OpTime) OpTime {
	return OpTime{p.Op, o.Time + p.Time, o.Calls + p.Calls, o.Operations + p.Operations, o.Bytes + p.Bytes}
}

// ReadProfiles adds up the files whose names begin with TrainerOptions.Profile, without the first runs of every
// session; the operators come by the time that they took, the longest first.
func ReadProfiles(prefix string, skip int) ([]OpTime, error) {
	dir := filepath.Dir(prefix)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("ort: read profiles: %w", err)
	}
	total := map[string]OpTime{}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), filepath.Base(prefix)) || !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		if err := addProfile(total, filepath.Join(dir, e.Name()), skip); err != nil {
			return nil, err
		}
	}
	return slices.SortedFunc(maps.Values(total), func(a, b OpTime) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.Op, b.Op))
	}), nil
}

func addProfile(total map[string]OpTime, path string, skip int) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("ort: read profile: %w", err)
	}
	defer f.Close()
	found, err := readProfile(f, skip)
	if err != nil {
		return fmt.Errorf("ort: read profile %s: %w", path, err)
	}
	for op, t := range found {
		total[op] = total[op].plus(t)
	}
	return nil
}

// maxEvent bounds a duration in microseconds: an hour, more than any node takes.
const maxEvent = 3600 * 1e6

// readProfile sums the nodes of one session. A profile is a list of events in Chrome's trace format; those of a run's
// nodes come before the event model_run, which ends it.
func readProfile(r io.Reader, skip int) (map[string]OpTime, error) {
	d := json.NewDecoder(r)
	if start, err := d.Token(); err != nil || start != json.Delim('[') {
		return nil, errors.New("it is not a list of events")
	}
	found := map[string]OpTime{}
	for runs := 0; d.More(); {
		var e struct {
			Category string `json:"cat"`
			Name     string `json:"name"`
			Duration int64  `json:"dur"` // microseconds
			Args     struct {
				Op      string       `json:"op_name"`
				Inputs  []typedShape `json:"input_type_shape"`
				Outputs []typedShape `json:"output_type_shape"`
			} `json:"args"`
		}
		if err := d.Decode(&e); err != nil {
			return nil, err
		}
		if e.Duration < 0 || e.Duration > maxEvent {
			return nil, fmt.Errorf("event %q lasts %d µs", e.Name, e.Duration)
		}
		switch {
		case e.Category == "Session" && e.Name == "model_run":
			if runs++; runs == skip {
				clear(found)
			}
		case e.Category == "Node" && e.Args.Op != "" && strings.HasSuffix(e.Name, "_kernel_time"):
			op, in, out := e.Args.Op, e.Args.Inputs, e.Args.Outputs
			found[op] = found[op].plus(OpTime{
				op, time.Duration(e.Duration) * time.Microsecond, 1, Operations(op, shapes(in), shapes(out)), traffic(op, in, out),
			})
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("it is cut off: %w", err)
	}
	return found, nil
}
