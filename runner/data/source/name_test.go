package source

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestGroupAlike(t *testing.T) {
	images := [][2]string{
		{"a/1.png", "/r/a/1.png: cut off"}, {"a/2.png", "/r/a/2.png: a pointer"}, {"b/1.png", "/r/b/1.png: cut off"},
		{"c", "elsewhere"},
	}
	got := GroupAlike(len(images), func(i int) (id, cause string) { return images[i][0], images[i][1] })
	if want := "[{cut off [a/1.png b/1.png]} {a pointer [a/2.png]} {elsewhere [c]}]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestNameInJSON(t *testing.T) {
	for name, want := range map[Name]string{
		"a/ü.png": `"a/ü.png"`, "x\xe8": `"x\udce8"`, "\"\xff\n": `"\"\udcff\n"`, "\ufffd": "\"\ufffd\"", "": `""`,
	} {
		if raw, err := json.Marshal(name); err != nil || string(raw) != want {
			t.Errorf("%q: %s, %v, want %s", name, raw, err, want)
		}
	}
}
