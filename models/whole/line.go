package whole

import (
	"encoding/json"
	"errors"
	"os"

	"ordo/models/fault"
)

// AppendLine adds a line of JSON to a file. What is there survives a power cut.
func AppendLine(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fault.Writing(path, err)
	}
	_, err = file.Write(append(text, '\n'))
	return fault.Writing(path, errors.Join(err, file.Sync(), file.Close()))
}
