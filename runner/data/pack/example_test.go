package pack_test

import (
	"context"
	"fmt"
	"os"

	"ordo/augment"
	"ordo/runner/data/pack"
)

// greys is a set of four images of one colour each.
type greys struct{}

func (greys) Len() int                    { return 4 }
func (greys) ID(i int) string             { return fmt.Sprintf("grey/%d", i) }
func (greys) Label(int) int               { return 0 }
func (greys) Classes() []string           { return []string{"grey"} }
func (greys) Key() string                 { return "00000000000000000000000000000001" }
func (greys) Encoded(int) ([]byte, error) { return nil, nil }

func (greys) Image(i int) (augment.Image, error) {
	m := augment.Image{Width: 60, Height: 40, Pix: make([]uint8, 3*60*40)}
	for k := range m.Pix {
		m.Pix[k] = uint8(50 * i)
	}
	return m, nil
}

func Example() {
	dir, err := os.MkdirTemp("", "packed")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	job := pack.Job{Set: greys{}, Name: "greys-train", Dir: dir, Format: pack.FormatRaw, ShortSide: 20}
	f, err := job.Pack(context.Background())
	if err != nil {
		panic(err)
	}
	m, err := f.Image(3)
	if err != nil {
		panic(err)
	}
	fmt.Println(f.Len(), f.ID(3), m.Width, m.Height, m.Pix[0])
	// Output: 4 grey/3 30 20 150
}
