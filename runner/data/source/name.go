package source

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Name is an id, which may have bytes that are not UTF-8, as names of files do. JSON has such a byte as \udc80 to
// \udcff, which is what Python makes of it (surrogateescape): names stay different, and os.fsencode gives the file's
// name back.
type Name string

// MarshalJSON writes the name.
func (n Name) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(n)) {
		return json.Marshal(string(n))
	}
	var b strings.Builder
	b.WriteByte('"')
	for text := string(n); len(text) > 0; {
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\udc%02x`, text[0])
		} else {
			raw, err := json.Marshal(text[:size])
			if err != nil {
				return nil, err
			}
			b.Write(raw[1 : len(raw)-1])
		}
		text = text[size:]
	}
	b.WriteByte('"')
	return []byte(b.String()), nil
}
