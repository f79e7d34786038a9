package evaluation

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/eval"
)

func TestPixels(t *testing.T) {
	const size = 5
	p := newPixels(size, 3*2*2+2) // 2 x 2 areas of 2.5 x 2.5 pixels
	images := make([]float32, 2*3*size*size)
	for i := range images {
		images[i] = float32(i % size) // rises to the right
	}
	v := views{images: []int{0, 1}, pixels: images}
	rows, err := p.Rows(nil, v)
	if err != nil || p.Columns()[0] != 12 || len(rows) != 1 || len(rows[0]) != 24 {
		t.Fatalf("%d columns, rows %v, %v", p.Columns(), rows, err)
	}
	// (0 + 1 + 2/2) / 2.5 and (2/2 + 3 + 4) / 2.5
	for i, want := range []float64{0.8, 3.2, 0.8, 3.2} {
		if math.Abs(float64(rows[0][12+i])-want) > 1e-6 {
			t.Errorf("area %d is %g, want %g", i, rows[0][12+i], want)
		}
	}
	whole := newPixels(size, 1000)
	v.images = v.images[:1]
	if rows, err = whole.Rows(nil, v); err != nil || whole.side != size || rows[0][3] != images[3] {
		t.Errorf("%d pixels a side: %v, %v", whole.side, rows, err)
	}
}

// testSession has what numbers need.
func testSession() *session {
	return &session{ctx: context.Background(), eval: config.Default().Eval}
}

func TestNumbersAndDifferences(t *testing.T) {
	s := testSession()
	a := ratio([]float64{1, 2, 3, 4}, []float64{10, 10, 10, 10}, true)
	b := ratio([]float64{2, 3, 4, 5}, []float64{10, 10, 10, 10}, true)
	if math.Abs(a.value.Number-0.75) > 1e-12 {
		t.Errorf("1 less the ratio is %v", a.value)
	}
	i, err := s.interval(a.each)
	if err != nil || !(i.Low.Number < 0.75 && i.High.Number > 0.75) || i.Of != 4 {
		t.Errorf("interval %+v, %v", i, err)
	}
	d, err := s.difference(a, b)
	if err != nil || math.Abs(d.Value.Number-0.1) > 1e-12 || math.Abs(d.Interval.Low.Number-0.1) > 1e-12 {
		t.Errorf("paired, the difference is certain: %+v %+v, %v", d.Value, d.Interval, err)
	}
	d, err = s.difference(mean([]float64{1, 0, 1}), mean([]float64{0, 0, 1}))
	if err != nil || math.Abs(d.Value.Number-1./3) > 1e-12 || d.Interval == nil {
		t.Errorf("difference %+v, %v", d, err)
	}
	if d, err = s.difference(measured{}, a); err != nil || d.Value.Defined || d.Interval != nil {
		t.Errorf("of what is undefined: %+v, %v", d, err)
	}
}

func TestPairs(t *testing.T) {
	v := &shown{}
	z := eval.Orbit{Data: make([]float32, 4*3), Scales: eval.Grid(4), Images: 3, Dim: 1}
	for i := range z.Data {
		z.Data[i] = float32(z.Scales[i/3])
	}
	p, err := v.pairs(z)
	if err != nil || p.Rows.Len() != 12 {
		t.Fatal(p, err)
	}
	for i, d := range p.Targets {
		if row := p.Rows.Row(i); math.Abs(float64(row[1]-row[0])-d) > 1e-6 || d == 0 {
			t.Errorf("pair %d: %v differs by %g", i, row, d)
		}
	}
}

func TestWrite(t *testing.T) {
	file := File(t.TempDir(), "x")
	if err := (Result{Name: "x"}).Write(file); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Dir(file), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (Result{Name: "x"}).Write(file); err == nil {
		t.Error("a file stands in the folder's place")
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Evaluate(ctx, Options{}); !errors.Is(err, fault.Interrupted) {
		t.Errorf("got %v", err)
	}
}
