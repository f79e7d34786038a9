package eval

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"testing"

	"ordo/models/fault"
)

// FuzzMeasures gives every measure rows of any bits: none may panic, and what is no error is numbers that JSON has.
func FuzzMeasures(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, uint8(3), uint8(2), uint8(4), false)
	f.Add([]byte{255, 1, 128, 7}, uint8(1), uint8(3), uint8(2), false)
	f.Add([]byte{0, 0, 192, 127, 0, 0, 128, 63}, uint8(2), uint8(2), uint8(2), true)
	f.Add([]byte{0, 0, 127, 127, 255, 255, 127, 255, 0, 0, 0, 1}, uint8(5), uint8(1), uint8(3), true)
	f.Add([]byte{7}, uint8(6), uint8(4), uint8(5), false)
	f.Add([]byte("007YC7\x7f001"), uint8(9), uint8(1), uint8(3), true) // values that no line search gets anywhere with
	f.Fuzz(func(t *testing.T, data []byte, n, dim, grid uint8, bits bool) {
		if len(data) == 0 {
			data = []byte{0}
		}
		o := fuzzedOrbit(data, 1+int(n)%8, 1+int(dim)%5, 1+int(grid)%5, bits)
		rows := Rows{Data: o.Data, Dim: o.Dim}
		rows.Labels = make([]int, rows.Len())
		sample := Sample{Rows: rows, Targets: make([]float64, rows.Len()), Columns: 1}
		for i := range rows.Labels {
			rows.Labels[i] = int(data[i%len(data)]) % 4
			sample.Targets[i] = o.Scales[i/o.Images]
		}
		probe, few, mlp := DefaultProbeOptions(), DefaultFewShotOptions(), DefaultMLPOptions()
		probe.MaxIterations, probe.Penalties = 30, []float64{0.01, 1}
		few.Ways, few.Queries, few.Episodes, few.Head = 2, 1, 3, HeadLogistic
		mlp.Hidden, mlp.Epochs = []int{3}, 2
		boot := BootstrapOptions{Resamples: 10, Level: 0.9, Seed: 1}

		judge := func(result any, err error) {
			t.Helper()
			if err == nil {
				_, err = json.Marshal(result)
				if err != nil {
					t.Errorf("%+v: %v", result, err)
				}
				return
			}
			if k := fault.KindOf(err); k != fault.Numeric && k != fault.Data && k != fault.Config && len(o.Scales) > 2 {
				t.Errorf("kind %q: %v", k, err)
			}
		}
		p, err := FitProbe(rows, probe)
		judge(nil, err)
		if err == nil {
			judge(p.Classify(rows))
		}
		judge(FewShot(rows, rows, few))
		r, err := FitRidge(sample, DefaultRidgeOptions())
		judge(nil, err)
		if err == nil {
			judge(r.Evaluate(sample))
		}
		m, err := FitMLP(sample, mlp)
		judge(nil, err)
		if err == nil {
			judge(m.Evaluate(sample))
		}
		judge(OrderOfImages(o))
		maps, err := FitScaleMaps(o, DefaultRidgeOptions())
		judge(nil, err)
		if err == nil {
			predicted, err := maps.Predict(o.At(0))
			judge(nil, err)
			if err == nil {
				judge(Retrieve(predicted, o))
				judge(PredictionError(predicted, o))
				judge(PredictionGain(predicted, o))
			}
		}
		v, err := InvarianceOf(o)
		judge(v, err)
		if err == nil {
			judge(BootstrapRatio(v.Within, v.Others, boot))
			judge(BootstrapMean(v.Cosines, boot))
		}
		judge(RankMe(rows, DefaultRankMeOptions()))
		judge(RankMe(rows, RankMeOptions{Centre: true, Epsilon: 1e-7}))
		judge(LiDAR(o, DefaultLiDAROptions()))
		judge(SelfClusteringOf(rows))
		judge(NormalisedDeviation(rows))
		judge(AlphaReQ(rows, DefaultAlphaReQOptions()))
		if rows.Len() > 1 {
			judge(NeighbourOverlap(rows, rows, 3))
		}
	})
}

// fuzzedOrbit makes rows of the data, over and over: of its bits, or of a value for every byte.
func fuzzedOrbit(data []byte, images, dim, grid int, bits bool) Orbit {
	o := Orbit{Data: make([]float32, images*dim*grid), Scales: make([]float64, grid), Images: images, Dim: dim}
	for g := 1; g < grid; g++ {
		o.Scales[g] = float64(g) / float64(grid-1)
	}
	for i := range o.Data {
		at := func(k int) byte { return data[(i*4+k)%len(data)] }
		if bits {
			o.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32([]byte{at(0), at(1), at(2), at(3)}))
		} else {
			o.Data[i] = float32(int8(data[(i*i+i/7)%len(data)])) / 16
		}
	}
	return o
}

// FuzzIntervals gives intervals and R² any numbers.
func FuzzIntervals(f *testing.F) {
	f.Add(1.0, 2.0, 3.0, 0.95)
	f.Add(math.NaN(), math.Inf(1), 0.0, 1.0)
	f.Add(1e308, -1e308, 1e308, 1e-9)
	f.Fuzz(func(t *testing.T, a, b, c, level float64) {
		values := []float64{a, b, c, a, b}
		o := BootstrapOptions{Resamples: 20, Level: level, Seed: 1}
		i, err := BootstrapMean(values, o)
		if err != nil && !errors.Is(err, fault.Numeric) && !errors.Is(err, fault.Config) {
			t.Error(err)
		}
		if i.Low.Number > i.High.Number {
			t.Errorf("interval %+v", i)
		}
		if r, err := BootstrapRatio(values, []float64{c, c, a, b, 0}, o); err == nil {
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		}
		r := DeterminationOf(values, []float64{c, b, a, a, c}, 1)
		if _, err := json.Marshal(r); err != nil && finite(a) && finite(b) && finite(c) {
			t.Error(err)
		}
	})
}
