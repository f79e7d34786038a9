package artifacts

import (
	"testing"
	"fmt"
	"ordo/models/onnxgraph"
	"ordo/models/heads"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

func TestTry(t *testing.T) {
	lib := orttest.Open(t)
	for _, d := range []string{"resnet_tiny", "vit"} {
		f, err := Read("testdata/official/" + d)
		if err != nil { t.Fatal(err) }
		fmt.Println(f.Adapted, f.Outputs, f.Input)
		tr, err := lib.NewTrainer(f.Artifacts, func(o []ort.Output) error { return nil }, ort.TrainerOptions{})
		if err != nil { t.Fatal(err) }
		fmt.Println(tr.StepOutputs(), tr.EvalOutputs())
		tr.Close()
	}
	m, err := onnxgraph.ReadFile("../autodiff/testdata/convnet/forward.onnx")
	if err != nil { t.Fatal(err) }
	o := DefaultOptions()
	h, err := heads.Parse("name: projector, layers: [16, 8]")
	if err != nil { t.Fatal(err) }
	o.Heads = append(o.Heads, h)
	o.Frozen = []string{"c1.*", "b1.*"}
	f, err := Build(m, o)
	if err != nil { t.Fatal(err) }
	dir := t.TempDir()+"/x"
	if err := Write(dir, f, Source{}, "v"); err != nil { t.Fatal(err) }
	f, err = Read(dir)
	if err != nil { t.Fatal(err) }
	tr, err := lib.NewTrainer(f.Artifacts, func(o []ort.Output) error { return nil }, ort.TrainerOptions{})
	if err != nil { t.Fatal(err) }
	fmt.Printf("%+v\n", *f.Manifest)
	tr.Close()
}
