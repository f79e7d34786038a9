package eval

import "testing"

// 4,000 training rows of 256 values in 10 classes, which is what the demo's digits are.
func BenchmarkProbe(b *testing.B) {
	train, test := clusters(1, 4000, 256, 10, 8), clusters(2, 1000, 256, 10, 8)
	for b.Loop() {
		p := must(FitProbe(train, DefaultProbeOptions()))(b)
		b.ReportMetric(must(p.Classify(test))(b).Top1, "top1")
	}
}

func BenchmarkFewShot(b *testing.B) {
	rows := clusters(1, 1000, 256, 10, 8)
	for b.Loop() {
		must(FewShot(rows, rows, DefaultFewShotOptions()))(b)
	}
}

func BenchmarkRidge(b *testing.B) {
	x := gaussian(1, 4000, 256)
	s := Sample{Rows: x, Targets: gaussianValues(1, 4000), Columns: 1}
	for b.Loop() {
		must(FitRidge(s, DefaultRidgeOptions()))(b)
	}
}

func BenchmarkScaleMaps(b *testing.B) {
	o := Orbit{Scales: Grid(50), Images: 500, Dim: 256}
	o.Data = gaussian(1, 50*500, 256).Data
	for b.Loop() {
		m := must(FitScaleMaps(o, DefaultRidgeOptions()))(b)
		must(Retrieve(must(m.Predict(o.At(0)))(b), o))(b)
	}
}

func BenchmarkMLPEpoch(b *testing.B) {
	s := Sample{Rows: gaussian(1, 4000, 256), Targets: gaussianValues(1, 4000), Columns: 1}
	o := DefaultMLPOptions()
	o.Epochs = 1
	for b.Loop() {
		must(FitMLP(s, o))(b)
	}
}

func BenchmarkNeighbourOverlap(b *testing.B) {
	x, y := gaussian(1, 4000, 256), gaussian(2, 4000, 256)
	for b.Loop() {
		must(NeighbourOverlap(x, y, 20))(b)
	}
}

func BenchmarkRankMe(b *testing.B) {
	x := gaussian(1, 4000, 256)
	for b.Loop() {
		must(RankMe(x, DefaultRankMeOptions()))(b)
	}
}

func BenchmarkBootstrap(b *testing.B) {
	values := gaussianValues(1, 1000)
	for b.Loop() {
		must(BootstrapMean(values, DefaultBootstrapOptions()))(b)
	}
}
