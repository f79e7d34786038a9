// Command recipe prints features and embedding of image files, from the graph that `ordo export RUN --onnx FILE`
// writes.
//
//	go run . "$(ordo runtime path)" photos.onnx a.jpg b.png      # a JSON object a line
//
// The graph takes decoded pixels of any size and does all else. Package image/jpeg enlarges colours by repeating them,
// where other decoders smooth; and it turns no photographs as their EXIF data say.
package main

import (
	"encoding/json"
	"image"
	"image/draw"
	_ "image/jpeg" // decodes
	_ "image/png"  // decodes
	"log"
	"os"

	onnx "github.com/yalue/onnxruntime_go"
)

func main() {
	onnx.SetSharedLibraryPath(os.Args[1])
	must(onnx.InitializeEnvironment())
	outputs := []string{"features", "embedding"}
	net, err := onnx.NewDynamicAdvancedSession(os.Args[2], []string{"pixels"}, outputs, nil)
	must(err)
	for _, file := range os.Args[3:] {
		pixels := read(file)
		rows := make([]onnx.Value, len(outputs)) // made by Run
		must(net.Run([]onnx.Value{pixels}, rows))
		line := map[string]any{"file": file}
		for i, name := range outputs {
			line[name] = rows[i].(*onnx.Tensor[float32]).GetData()
		}
		must(json.NewEncoder(os.Stdout).Encode(line))
		for _, v := range append(rows, pixels) {
			must(v.Destroy())
		}
	}
}

// read decodes a file to uint8 [1, height, width, 3].
func read(file string) *onnx.Tensor[uint8] {
	f, err := os.Open(file)
	must(err)
	defer f.Close()
	m, _, err := image.Decode(f)
	must(err)
	box := image.Rect(0, 0, m.Bounds().Dx(), m.Bounds().Dy())
	flat := image.NewRGBA(box)
	draw.Draw(flat, box, image.White, image.Point{}, draw.Src) // behind transparent pixels
	draw.Draw(flat, box, m, m.Bounds().Min, draw.Over)
	rgb := make([]uint8, 0, 3*box.Dx()*box.Dy())
	for i := 0; i < len(flat.Pix); i += 4 {
		rgb = append(rgb, flat.Pix[i:i+3]...)
	}
	t, err := onnx.NewTensor(onnx.NewShape(1, int64(box.Dy()), int64(box.Dx()), 3), rgb)
	must(err)
	return t
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
