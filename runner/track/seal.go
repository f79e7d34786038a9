package track

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"ordo/models/fault"
	"ordo/models/whole"
)

// sealEnd is how a sealed file ends: its last key has the SHA-256 of all before that key's line.
var sealEnd = regexp.MustCompile(`,\n  "checksum": "sha256:([0-9a-f]{64})"\n}\n$`)

// maxSealed is the size of the largest sealed file that is read: a full evaluation of all families has a few megabytes.
const maxSealed = 256 << 20

// errSeal is what is wrong with a file whose seal is broken.
var errSeal = errors.New("its checksum is not that of its text: it was changed, or an earlier version of ordo wrote it")

// WriteSealed writes a JSON object, whole or not at all, with a checksum of its own text as its last key. v must not be
// empty.
func WriteSealed(path string, v any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("track: write %s: %w", path, err)
	}
	body := bytes.TrimSuffix(text.Bytes(), []byte("\n}\n"))
	sealed := fmt.Appendf(bytes.Clone(body), ",\n  \"checksum\": \"sha256:%s\"\n}\n", sum(body))
	return whole.WriteFile(path, sealed)
}

// ReadSealed reads what WriteSealed wrote. A file that was changed since is a fault of kind Data. Without one, the
// error wraps fs.ErrNotExist.
func ReadSealed(path string, v any) error {
	info, err := os.Stat(path)
	if err != nil {
		return fault.Reading(fault.Other, path, err)
	}
	if info.Size() > maxSealed {
		return damaged(path, fmt.Errorf("it has %d bytes, and none of ordo's has more than %d", info.Size(), maxSealed))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fault.Reading(fault.Other, path, err)
	}
	found := sealEnd.FindSubmatchIndex(text)
	if found == nil || sum(text[:found[0]]) != string(text[found[2]:found[3]]) {
		return damaged(path, errSeal)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return damaged(path, err)
	}
	return nil
}

// sum is the SHA-256 in hexadecimal digits.
func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// sumFile is the SHA-256 of a file.
func sumFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
