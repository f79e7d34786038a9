package pack

import (
	"context"
	"fmt"
	"testing"
)

// TestAhead: who may begin while so much is ready. The next image always may.
func TestAhead(t *testing.T) {
	a := newAhead(100, 0)
	say := func() string {
		text := ""
		for i := range 5 {
			if a.may(i) {
				text += fmt.Sprint(i)
			}
		}
		return text
	}
	for _, step := range []struct {
		what string
		do   func()
		may  string
	}{
		{"nothing is ready", func() {}, "01234"},
		{"image 1 is", func() { a.made(60) }, "01234"},
		{"and image 2", func() { a.made(60) }, "0"},
		{"image 0, too", func() { a.made(500) }, "0"},
		{"which is taken", func() { a.took(500) }, "01"},
		{"and image 1", func() { a.took(60) }, "01234"},
	} {
		if step.do(); say() != step.may {
			t.Errorf("%s: %q may begin, want %q", step.what, say(), step.may)
		}
	}
}

// TestGatherFewBytes: with room for one image at a time all are packed, in their order, and nobody waits forever after
// the end of the context.
func TestGatherFewBytes(t *testing.T) {
	d := &drawn{n: 50, bad: map[int]error{7: fmt.Errorf("broken")}}
	for _, most := range []int64{1, 500, 0} {
		j := job(t, d)
		j.Skip, j.ahead, j.Workers = true, most, 5
		m, err := j.Memory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, m, d, 0)
	}
	ctx, cancel := context.WithCancel(t.Context())
	j := job(t, d)
	j.ahead, j.Workers = 1, 5
	j.Skip = true
	j.Progress = func(done, _ int) {
		if done == 3 {
			cancel()
		}
	}
	if _, err := j.Memory(ctx); err == nil {
		t.Error("a cancelled job ended well")
	}
}
