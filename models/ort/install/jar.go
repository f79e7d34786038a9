package install

import (
	"archive/zip"
	"compress/flate"
	"context"
	"errors"
	"io"
	"path/filepath"
)

// unpack writes one entry of a jar to the new file dst and returns its checksum and size. No other entry is read, and no
// name in the jar is ever used as a path, so the jar cannot reach beyond dst.
func unpack(ctx context.Context, dst, jar, entry string) (sum string, size int64, err error) {
	const remedy = "get the jar again"
	name := filepath.Base(jar)
	z, err := zip.OpenReader(jar)
	// An unsafe name elsewhere in the jar comes with a usable reader; such an entry is never touched.
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return "", 0, unfit(err, "%s is cut off or not a jar (%v): %s", name, err, remedy)
	}
	defer z.Close()
	var file *zip.File
	for _, f := range z.File {
		if f.Name != entry {
			continue
		}
		if file != nil {
			return "", 0, unfit(nil, "%s holds %s twice: %s", name, entry, remedy)
		}
		file = f
	}
	switch {
	case file == nil:
		return "", 0, unfit(nil, "%s does not hold %s: %s", name, entry, remedy)
	case !file.Mode().IsRegular():
		return "", 0, unfit(nil, "%s in %s is not a plain file: %s", entry, name, remedy)
	case file.UncompressedSize64 == 0:
		return "", 0, unfit(nil, "%s in %s is empty: %s", entry, name, remedy)
	case file.UncompressedSize64 > maxLibrary:
		return "", 0, unfit(nil, "%s in %s has %d bytes, too many for such a library: %s",
			entry, name, file.UncompressedSize64, remedy)
	}
	r, err := file.Open()
	if err != nil {
		return "", 0, unfit(err, "%s in %s cannot be read (%v): %s", entry, name, err, remedy)
	}
	defer r.Close()
	// The reader checks the entry's length and CRC at its end.
	sum, size, err = writeLibrary(ctx, dst, r)
	switch {
	case errors.Is(err, errTooLarge):
		return "", 0, unfit(nil, "%s in %s is longer than it says: %s", entry, name, remedy)
	case damagedZip(err):
		return "", 0, unfit(err, "%s in %s is damaged (%v): %s", entry, name, err, remedy)
	case err != nil:
		return "", 0, err
	}
	return sum, size, nil
}

// damagedZip reports whether an error of reading an entry tells of a bad archive, not of a disk or a cancelled context.
func damagedZip(err error) bool {
	var flateErr flate.CorruptInputError
	return errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrAlgorithm) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &flateErr)
}
