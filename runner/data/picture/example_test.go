package picture_test

import (
	"fmt"
	"log"
	"os"

	"ordo/runner/data/picture"
)

func ExampleDecode() {
	raw, err := os.ReadFile("testdata/orientation6.jpg")
	if err != nil {
		log.Fatal(err)
	}
	h, err := picture.Inspect(raw)
	if err != nil {
		log.Fatal(err)
	}
	m, err := picture.Decode(raw, picture.Options{Background: [3]uint8{255, 255, 255}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(h.Format, m.Width, m.Height)
	// Output:
	// JPEG 26 37
}
