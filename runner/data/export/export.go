package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/models/whole"
	"ordo/runner/data/source"
)

// DefaultQuality is the JPEG quality of images that are encoded.
const DefaultQuality = 95

// Write makes the folder dir with both splits. A plain JPEG file is copied byte for byte, everything else is encoded at
// a quality in [1, 100], with halved chroma. The folder appears whole or not at all; it must not exist, or be empty.
func Write(ctx context.Context, dir string, train, test source.Set, quality int) (err error) {
	if quality < 1 || quality > 100 {
		return fmt.Errorf("export: quality: must be in [1, 100], got %d", quality)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fault.New(fault.Other, "%s is there already and not empty", dir).Advise("remove it").With(fault.OtherFolder{})
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Writing(dir, err)
	}
	err = whole.Folder(dir, func(temp string) error {
		if err := writeSplit(ctx, filepath.Join(temp, "train"), train, quality); err != nil {
			return err
		}
		return writeSplit(ctx, filepath.Join(temp, "test"), test, quality)
	})
	if ctx.Err() != nil {
		return err
	}
	return fault.Writing(dir, err)
}

func writeSplit(ctx context.Context, dir string, s source.Set, quality int) error {
	folders := []string{dir}
	for i, class := range s.Classes() {
		if class == "" || class == "." || class == ".." || strings.ContainsAny(class, `/\`) {
			return fault.New(fault.Data, "class %d is called %q, which can't be a folder's name", i, class)
		}
		folders = append(folders, filepath.Join(dir, class))
	}
	for _, folder := range folders {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	for i := range s.Len() {
		if err := ctx.Err(); err != nil {
			return err
		}
		label := s.Label(i)
		if label < 0 && len(s.Classes()) > 0 {
			return fault.New(fault.Data, "%s has no label, and others have", s.ID(i))
		}
		data, err := encode(s, i, quality)
		if err = fault.Wrap(fault.Data, err); err == nil {
			err = os.WriteFile(filepath.Join(folders[label+1], fmt.Sprintf("%06d.jpg", i)), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// encode is item i as a JPEG file.
func encode(s source.Set, i, quality int) ([]byte, error) {
	if data, err := s.Encoded(i); err != nil || data != nil {
		return data, err
	}
	m, err := s.Image(i)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = jpeg.Encode(&b, picture(m), &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}

func picture(m augment.Image) image.Image {
	p := image.NewRGBA(image.Rect(0, 0, m.Width, m.Height))
	for i := range m.Width * m.Height {
		copy(p.Pix[4*i:], m.Pix[3*i:3*i+3])
		p.Pix[4*i+3] = 0xff
	}
	return p
}
