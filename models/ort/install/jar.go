package install

import (
	"archive/zip"
	"compress/flate"
	"context"
	"errors"
	"io"
	"path/filepath"

	"ordo/models/fault"
)

// unpack writes one entry of a jar to the new file dst and returns its checksum and size. No other entry is read, and
// no name in the jar is ever used as a path, so the jar cannot reach beyond dst.
func unpack(ctx context.Context, dst, jar, entry string) (sum string, size int64, err error) {
	name := filepath.Base(jar)
	unfit := func(format string, args ...any) (string, int64, error) {
		return "", 0, fault.New(fault.Library, format, args...).Advise("get the jar again")
	}
	z, err := zip.OpenReader(jar)
	// An unsafe name elsewhere in the jar comes with a usable reader; such an entry is never touched.
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return unfit("%s is cut off or not a jar (%w)", name, err)
	}
	defer z.Close()
	var file *zip.File
	for _, f := range z.File {
		if f.Name != entry {
			continue
		}
		if file != nil {
			return unfit("%s holds %s twice", name, entry)
		}
		file = f
	}
	switch {
	case file == nil:
		return unfit("%s does not hold %s", name, entry)
	case !file.Mode().IsRegular():
		return unfit("%s in %s is not a plain file", entry, name)
	case file.UncompressedSize64 == 0:
		return unfit("%s in %s is empty", entry, name)
	case file.UncompressedSize64 > maxLibrary:
		return unfit("%s in %s has %d bytes, too many for such a library", entry, name, file.UncompressedSize64)
	}
	r, err := file.Open()
	if err != nil {
		return unfit("%s in %s cannot be read (%w)", entry, name, err)
	}
	defer r.Close()
	// The reader checks the entry's length and CRC at its end.
	sum, size, err = writeLibrary(ctx, dst, r)
	switch {
	case errors.Is(err, errTooLarge):
		return unfit("%s in %s is longer than it says", entry, name)
	case damagedZip(err):
		return unfit("%s in %s is damaged (%w)", entry, name, err)
	case err != nil:
		return "", 0, fault.Reading(fault.Library, jar, err)
	}
	return sum, size, nil
}

// damagedZip reports whether an error of reading an entry tells of a bad archive, not of a disk or a cancelled context.
func damagedZip(err error) bool {
	var flateErr flate.CorruptInputError
	return errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrAlgorithm) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &flateErr)
}
