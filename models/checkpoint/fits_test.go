package checkpoint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFits(t *testing.T) {
	network, _ := stored(t)
	for _, c := range []struct {
		name   string
		change func(p *Parameters)
		says   string
	}{
		{"the same", func(*Parameters) {}, ""},
		{"in another order", func(p *Parameters) { slices.Reverse(p.Trainable) }, ""},
		{"one less", func(p *Parameters) { p.Frozen = p.Frozen[1:] }, "it has a.mean beside"},
		{"one more", func(p *Parameters) { p.Trainable = append(p.Trainable, Tensor{Name: "b"}) }, "it has no b"},
		{"another shape", func(p *Parameters) { p.Trainable[0].Dims = []int64{1, 2} }, "its a is of [2 1], not of [1 2]"},
	} {
		p, _ := stored(t)
		c.change(p)
		err := p.Fits(network)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

func TestSum(t *testing.T) {
	path := filepath.Join(t.TempDir(), "some.ckpt")
	for _, states := range [][]string{nil, {"optimizer"}} {
		data := file(t, "onnx", map[string]string{"optimizer": "moments"}, states...)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		sum, err := Sum(path)
		if err != nil || len(sum) != 64 {
			t.Errorf("%q, %v", sum, err)
		}
	}
	for _, text := range []string{"", "short", mark, strings.Repeat("x", 500)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if sum, err := Sum(path); err == nil {
			t.Errorf("%q has the sum %s", text, sum)
		}
	}
	if _, err := Sum(path + "x"); err == nil {
		t.Error("a file that isn't there has a sum")
	}
}
