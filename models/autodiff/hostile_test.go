package autodiff_test

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"ordo/models/autodiff"
	"ordo/models/onnxgraph"
)

// tryBuild builds what it can of a file's content. Artifacts that come out must be valid graphs.
func tryBuild(t *testing.T, data []byte) error {
	t.Helper()
	m, err := onnxgraph.Decode(data)
	if err != nil {
		return err
	}
	o := autodiff.DefaultOptions()
	o.Outputs = []string{"z"}
	a, err := autodiff.Build(m, o)
	if err != nil {
		return err
	}
	for _, m := range []*onnxgraph.Model{a.Training, a.Eval} {
		if err := onnxgraph.Check(m); err != nil {
			t.Error(err)
		}
	}
	return nil
}

// TestDamagedGraphs: a graph that is cut is an error; one with a changed byte is an error or another graph, never a
// panic.
func TestDamagedGraphs(t *testing.T) {
	for _, name := range slices.Concat(graphs("forward.onnx"), graphs("forward_dynamo.onnx")) {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := tryBuild(t, data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i := range 100 {
			at := i * len(data) / 100
			if err := tryBuild(t, data[:at]); err == nil {
				t.Errorf("%s: no error for the first %d bytes", name, at)
			}
			changed := slices.Clone(data)
			changed[at] ^= byte(1 << (i % 8))
			_ = tryBuild(t, changed) // an error or not: it must come back
		}
	}
}

// TestHostileGraphs: graphs that ask for far more than they bring are errors, at no cost.
func TestHostileGraphs(t *testing.T) {
	const huge = math.MaxInt32
	ints, integer := onnxgraph.IntsAttr, onnxgraph.IntAttr
	for name, build := range map[string]func(g *opGraph, x string) string{
		"expand": func(g *opGraph, x string) string {
			return g.Op("Expand", "y", []string{x, g.ints("to", huge, huge, 1, 1, 1)})
		},
		"tile": func(g *opGraph, x string) string {
			return g.Op("Tile", "y", []string{x, g.ints("by", huge, huge, huge, huge)})
		},
		"tile by more": func(g *opGraph, x string) string {
			return g.Op("Tile", "y",
				[]string{x, g.ints("by", 1<<62, 1, 1, 1)})
		},
		"constant": func(g *opGraph, x string) string {
			return g.Op("Add", "y", []string{x, g.Op("ConstantOfShape", "c",
				[]string{g.ints("shape", huge, huge, huge)})})
		},
		"range": func(g *opGraph, x string) string {
			from, to, by := g.Op("Constant", "a", nil, integer("value_int", 0)),
				g.Op("Constant", "b", nil, integer("value_int", 1<<40)),
				g.Op("Constant", "c", nil, integer("value_int", 1))
			return g.Op("Gather", "y", []string{x, g.Op("Range", "r", []string{from, to, by})}, integer("axis", 1))
		},
		"slice in no steps": slicing([]int64{0}, []int64{5}, []int64{1}, []int64{0}),
		"slice far away": slicing([]int64{math.MinInt64}, []int64{math.MaxInt64}, []int64{1},
			[]int64{math.MinInt64}),
		"split": func(g *opGraph, x string) string {
			return g.Op("Split", "y", []string{x}, integer("num_outputs", 1<<40))
		},
		"gemm": func(g *opGraph, x string) string { return g.Op("Gemm", "y", []string{x, x}) },
		"pool": func(g *opGraph, x string) string {
			return g.Op("AveragePool", "y", []string{x}, ints("kernel_shape", huge, huge))
		},
		"einsum": func(g *opGraph, x string) string {
			return g.Op("Einsum", "y", []string{x, x}, onnxgraph.StringAttr("equation", "abcd,efgh->abcdefghabcdefgh"))
		},
		"cast": func(g *opGraph, x string) string { return g.Op("Cast", "y", []string{x}, integer("to", 1<<40)) },
	} {
		t.Run(name, func(t *testing.T) {
			g := &opGraph{onnxgraph.NewBuilder("hostile", 18), newRandom()}
			g.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, size, size)))
			x := g.Op("Conv", "x", []string{"images", g.parameter("w", 4, 3, 1, 1)})
			y := g.Op("Reshape", "flat", []string{build(g, x), g.ints("flat_shape", 0, -1)})
			g.Append(&onnxgraph.Node{OpType: "ReduceSum", Input: []string{y, g.ints("axes", 1)}, Output: []string{"z"}})
			g.Output("z", onnxgraph.FloatType(onnxgraph.Batch(1)))
			data := encode(t, g.Model())
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := tryBuild(t, data)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("no error")
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
				t.Errorf("it took %d bytes to find out", used)
			}
		})
	}
}

// TestDeepNesting: a graph inside an attribute inside a node of a graph, ten thousand times.
func TestDeepNesting(t *testing.T) {
	var graph []byte
	for range 10_000 {
		attribute := protowire.AppendBytes(protowire.AppendTag(nil, 6, protowire.BytesType), graph)
		node := protowire.AppendBytes(protowire.AppendTag(nil, 5, protowire.BytesType), attribute)
		graph = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), node)
	}
	if err := tryBuild(t, protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), graph)); err == nil {
		t.Error("no error")
	}
}
