package source

import (
	"encoding/json"
	"testing"
)

func TestNameInJSON(t *testing.T) {
	for name, want := range map[Name]string{
		"a/ü.png": `"a/ü.png"`, "x\xe8": `"x\udce8"`, "\"\xff\n": `"\"\udcff\n"`, "\ufffd": "\"\ufffd\"", "": `""`,
	} {
		if raw, err := json.Marshal(name); err != nil || string(raw) != want {
			t.Errorf("%q: %s, %v, want %s", name, raw, err, want)
		}
	}
}
