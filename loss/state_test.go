package loss

import (
	"bytes"
	"errors"
	"testing"
)

// queued returns a loss with two queues, of 3 and of 5 keys.
func queued(t testing.TB) *Loss {
	t.Helper()
	o := only(t, KindMoCo)
	second := only(t, KindMoCo).Terms[0]
	o.Terms[0].Invariance.Queue, second.Invariance.Queue = 3, 5
	o.Terms = append(o.Terms, second)
	return mustNew(t, o)
}

func TestState(t *testing.T) {
	v := orderedViews(1, 2, 2) // four keys a step
	outs := func(seed uint64) []Output { return fullOutputs(t, queued(t), v, 4, seed) }
	whole := queued(t)
	for step := range uint64(5) {
		resumed := queued(t)
		if err := resumed.SetState(whole.State()); err != nil {
			t.Fatal(err)
		}
		a, b := outs(step), outs(step)
		want, err := whole.Compute(v, a)
		if err != nil {
			t.Fatal(err)
		}
		got, err := resumed.Compute(v, b)
		if err != nil || got.Total != want.Total || !bytes.Equal(resumed.State(), whole.State()) {
			t.Fatalf("step %d: %v, %v after a resume, want %v", step, got.Total, err, want.Total)
		}
	}
	if n := len(whole.State()); n != 8+12+3*4*4+8+12+5*4*4 {
		t.Errorf("the state has %d bytes", n)
	}
	if state := mustNew(t, DefaultOptions()).State(); state != nil {
		t.Errorf("a loss that remembers nothing has the state %v", state)
	}
	good := whole.State()
	for name, state := range map[string][]byte{
		"none":           nil,
		"short":          good[:len(good)-1],
		"long":           append(bytes.Clone(good), 0),
		"larger queue":   append(bytes.Clone(good[8+12+3*4*4:]), good[:8+12+3*4*4]...),
		"next":           with(good, 12, 3),
		"no dimension":   with(good, 8, 0),
		"not a number":   with(good, 20, 0, 0, 0xc0, 0x7f),
		"length of part": with(good, 7, 255),
	} {
		if err := queued(t).SetState(state); !errors.Is(err, errState) {
			t.Errorf("%s: got %v, want errState", name, err)
		}
	}
	if err := mustNew(t, DefaultOptions()).SetState(good); !errors.Is(err, errState) {
		t.Errorf("a state for none: %v", err)
	}
	// Rows of another length begin a new queue.
	wide := fullOutputs(t, whole, v, 6, 1)
	if got, err := whole.Compute(v, wide); err != nil || got.Total != 0 {
		t.Errorf("rows of another length: %+v, %v, want an empty queue", got, err)
	}
}

// with returns the bytes with others from a place on.
func with(state []byte, at int, bytes ...byte) []byte {
	state = append([]byte(nil), state...)
	copy(state[at:], bytes)
	return state
}

func FuzzSetState(f *testing.F) {
	l := queued(f)
	v := orderedViews(1, 2, 2)
	for range 3 {
		f.Add(l.State())
		if _, err := l.Compute(v, fullOutputs(f, l, v, 2, 1)); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		l := queued(t)
		if err := l.SetState(state); err != nil {
			if !errors.Is(err, errState) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(l.State(), state) {
			t.Fatal("the state is not what was set")
		}
		if _, err := l.Compute(v, fullOutputs(t, l, v, 2, 1)); err != nil {
			t.Fatal(err)
		}
	})
}
