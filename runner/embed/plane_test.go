package embed

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"strconv"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// planeRows are 300 rows 1000 + a·u + b·v of three numbers, u = (2, 1, 2)/3 and v = (-1, 4, -1)/√18: a is spread three
// times as far as b, and both are 0 in the mean.
func planeRows() (r *rows, a, b []float64) {
	const n = 300
	for i := range n {
		a = append(a, 3*math.Cos(2*math.Pi*float64(i)/n))
		b = append(b, math.Sin(2*math.Pi*float64(i)/n))
	}
	r = rowsOf(n, OutputShape{"features", 3}, OutputShape{"embedding", 1})
	r.read = func(p int, dst []float32) ([]float32, error) {
		for i := r.pages[p].from; i < r.pages[p].from+r.pages[p].n; i++ {
			for c := range 3 {
				u, v := []float64{2, 1, 2}[c]/3, []float64{-1, 4, -1}[c]/math.Sqrt(18)
				dst = append(dst, float32(1000+a[i]*u+b[i]*v))
			}
			dst = append(dst, 7)
		}
		return dst, nil
	}
	return r, a, b
}

// TestPlane: the plane's axes are those on which the rows are spread, the larger number of each positive.
func TestPlane(t *testing.T) {
	r, a, b := planeRows()
	var err error
	if r.plane, err = r.fitPlane(); err != nil {
		t.Fatal(err)
	}
	check := func(i int, x, y float64) {
		t.Helper()
		// float32 holds 1000 to 6e-5.
		if math.Abs(x-a[i]) > 1e-3 || math.Abs(y-b[i]) > 1e-3 {
			t.Errorf("row %d lies at %g, %g, want %g, %g", i, x, y, a[i], b[i])
		}
	}
	var text bytes.Buffer
	if err := r.writeCSV(&text); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&text).ReadAll()
	if err != nil || len(lines) != 301 || lines[0][7] != "x" || lines[0][8] != "y" {
		t.Fatalf("%v, %d lines, %v", err, len(lines), lines[0])
	}
	for i, line := range lines[1:] {
		x, _ := strconv.ParseFloat(line[7], 64)
		y, _ := strconv.ParseFloat(line[8], 64)
		check(i, x, y)
	}
	var file bytes.Buffer
	if err := r.writeParquet(&file, "{}"); err != nil {
		t.Fatal(err)
	}
	reader := parquet.NewGenericReader[struct {
		X float64 `parquet:"x"`
		Y float64 `parquet:"y"`
	}](bytes.NewReader(file.Bytes()))
	defer reader.Close()
	for i := range 300 {
		row := make([]struct {
			X float64 `parquet:"x"`
			Y float64 `parquet:"y"`
		}, 1)
		if n, err := reader.Read(row); n != 1 || err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("row %d: %v", i, err)
		}
		check(i, row[0].X, row[0].Y)
	}
}

// TestPlaneOfOneColumn: rows of one number lie on a line, and equal rows at its origin.
func TestPlaneOfOneColumn(t *testing.T) {
	r := rowsOf(5, OutputShape{"embedding", 1}) // 1 to 5
	p, err := r.fitPlane()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if x, y := p.At([]float32{float32(i + 1)}); math.Abs(x-float64(i-2)) > 1e-12 || y != 0 {
			t.Errorf("%d lies at %g, %g", i+1, x, y)
		}
	}
}
