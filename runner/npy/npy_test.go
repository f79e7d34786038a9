package npy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"testing"

	"codeberg.org/sbinet/npyio"
)

// TestStart: another program's reader takes it, and the values begin at a multiple of 64 bytes.
func TestStart(t *testing.T) {
	var b bytes.Buffer
	if err := Start(&b, "<f4", 2, 3); err != nil {
		t.Fatal(err)
	}
	if b.Len()%64 != 0 {
		t.Errorf("the header has %d bytes", b.Len())
	}
	values := []float32{1, 2, 3, 4, 5, 6}
	if err := binary.Write(&b, binary.LittleEndian, values); err != nil {
		t.Fatal(err)
	}
	r, err := npyio.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	var got []float32
	if err := r.Read(&got); err != nil || !reflect.DeepEqual(got, values) ||
		fmt.Sprint(r.Header.Descr.Shape) != "[2 3]" {
		t.Errorf("%v of %v, %v", got, r.Header.Descr.Shape, err)
	}
}

func ExampleStart() {
	var b bytes.Buffer
	err := Start(&b, "<i8", 3)
	fmt.Printf("%q %v\n", b.Bytes()[10:67], err)
	// Output: "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }" <nil>
}
