package augment

import "testing"

func TestDrawWidths(t *testing.T) {
	o := simclr("rotate")
	for i := range o.Invariant {
		if j := o.Invariant[i].ColorJitter; j != nil {
			j.Brightness, j.Contrast, j.Saturation, j.Hue = 0.4, 1.5, 0, 0.1
		}
		if b := o.Invariant[i].GaussianBlur; b != nil {
			b.Sigma, b.P = [2]float64{0.5, 2}, 0.5
		}
	}
	p := mustPlan(t, o, 32)
	want := map[string]float64{"color_jitter.brightness": 0.8, "color_jitter.contrast": 2.5, "color_jitter.saturation": 0,
		"color_jitter.hue": 0.2, "gaussian_blur.sigma": 2}
	names, widths := p.DrawNames(), p.DrawWidths()
	if len(names) != len(widths) {
		t.Fatalf("%d widths of %d draws", len(widths), len(names))
	}
	for i, name := range names {
		w, ok := want[name]
		if !ok {
			w = 1
		}
		if d := widths[i] - w; d > 1e-12 || d < -1e-12 {
			t.Errorf("%s has width %v, want %v", name, widths[i], w)
		}
		delete(want, name)
	}
	if _, ok := want["color_jitter.hue"]; ok {
		t.Error("no color_jitter was looked at")
	}
}
