package picture

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"io"
)

// pnmHeader is what stands before the samples of a PBM, PGM or PPM file.
type pnmHeader struct {
	kind          byte // '1' to '6'
	width, height int
	most          int // the value of white: 1 to 65535
	samples       []byte
}

// plain says whether samples are written as decimal numbers.
func (h pnmHeader) plain() bool { return h.kind <= '3' }

// bits says whether a sample is a bit, of which 1 is black.
func (h pnmHeader) bits() bool { return h.kind == '1' || h.kind == '4' }

// colour says whether a pixel has three samples.
func (h pnmHeader) colour() bool { return h.kind == '3' || h.kind == '6' }

// pnmMagic are the beginnings of such files: a letter, a digit and what may stand behind them.
func pnmMagic() []string {
	var all []string
	for kind := '1'; kind <= '6'; kind++ {
		for _, next := range " \t\n\r\v\f#" {
			all = append(all, "P"+string(kind)+string(next))
		}
	}
	return all
}

var errPNMHeader = errors.New("its header is not width, height and the value of white")

func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// pnmNumber reads a decimal number after blanks and comments, and returns what follows it. Numbers above a milliard
// are one.
func pnmNumber(raw []byte) (n int, rest []byte, err error) {
	for len(raw) > 0 && (isSpace(raw[0]) || raw[0] == '#') {
		if raw[0] != '#' {
			raw = raw[1:]
			continue
		}
		end := bytes.IndexAny(raw, "\n\r")
		if end < 0 {
			return 0, nil, io.ErrUnexpectedEOF
		}
		raw = raw[end:]
	}
	if len(raw) == 0 {
		return 0, nil, io.ErrUnexpectedEOF
	}
	digits := 0
	for ; digits < len(raw) && raw[digits] >= '0' && raw[digits] <= '9'; digits++ {
		n = min(10*n+int(raw[digits]-'0'), 1_000_000_000)
	}
	if digits == 0 {
		return 0, nil, errPNMHeader
	}
	return n, raw[digits:], nil
}

func readPNMHeader(raw []byte) (h pnmHeader, err error) {
	h.kind, h.most = raw[1], 1
	rest := raw[2:]
	for _, field := range []*int{&h.width, &h.height, &h.most} {
		if field == &h.most && h.bits() {
			break
		}
		if *field, rest, err = pnmNumber(rest); err != nil {
			return h, err
		}
	}
	if h.most < 1 || h.most > 65535 {
		return h, errPNMHeader
	}
	if len(rest) == 0 {
		return h, io.ErrUnexpectedEOF
	}
	if !isSpace(rest[0]) {
		return h, errPNMHeader
	}
	h.samples = rest[1:] // one blank only: the next byte may be a sample that looks like one
	return h, nil
}

func pnmConfig(raw []byte) (image.Config, error) {
	h, err := readPNMHeader(raw)
	model := color.GrayModel
	if h.colour() {
		model = color.RGBAModel
	}
	return image.Config{ColorModel: model, Width: h.width, Height: h.height}, err
}

// decodePNM decodes a PBM, PGM or PPM file, binary or plain, of 1 to 16 bits a sample.
func decodePNM(raw []byte, _ image.Config) (still, error) {
	h, err := readPNMHeader(raw)
	if err != nil {
		return still{}, err
	}
	row := h.width
	if h.colour() {
		row *= 3
	}
	next, err := h.reader(row)
	if err != nil {
		return still{}, err
	}
	if !h.colour() {
		m := image.NewGray(image.Rect(0, 0, h.width, h.height))
		for y := range h.height {
			if err := next(m.Pix[y*m.Stride:][:row]); err != nil {
				return still{}, err
			}
		}
		return still{Image: m}, nil
	}
	m, line := image.NewRGBA(image.Rect(0, 0, h.width, h.height)), make([]uint8, row)
	for y := range h.height {
		if err := next(line); err != nil {
			return still{}, err
		}
		to := m.Pix[y*m.Stride:]
		for x := range h.width {
			to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = line[3*x], line[3*x+1], line[3*x+2], 255
		}
	}
	return still{Image: m}, nil
}

// reader returns what reads a row of samples after the other, brought to 8 bits. That there are too few of them is an
// error before anything of their size is allocated.
func (h pnmHeader) reader(row int) (func(dst []uint8) error, error) {
	in, bytesOf := h.samples, row // of a row; of a plain one the least
	switch {
	case h.plain():
	case h.bits():
		bytesOf = (row + 7) / 8
	case h.most > 255:
		bytesOf = 2 * row
	}
	if len(in)/max(bytesOf, 1) < h.height {
		return nil, io.ErrUnexpectedEOF
	}
	scaled := func(v int) uint8 { return uint8((255*min(v, h.most) + h.most/2) / h.most) }
	switch {
	case h.plain():
		return func(dst []uint8) (err error) {
			for i := range dst {
				if dst[i], in, err = h.number(in, scaled); err != nil {
					return err
				}
			}
			return nil
		}, nil
	case h.bits():
		return func(dst []uint8) error {
			for i := range dst {
				dst[i] = 255 * (1 - in[i/8]>>(7-i%8)&1)
			}
			in = in[bytesOf:]
			return nil
		}, nil
	case h.most > 255:
		return func(dst []uint8) error {
			for i := range dst {
				dst[i] = scaled(int(in[2*i])<<8 | int(in[2*i+1]))
			}
			in = in[bytesOf:]
			return nil
		}, nil
	}
	return func(dst []uint8) error {
		for i := range dst {
			dst[i] = scaled(int(in[i]))
		}
		in = in[bytesOf:]
		return nil
	}, nil
}

// number reads a sample of a plain file. Those of a plain PBM need no blanks between them.
func (h pnmHeader) number(in []byte, scaled func(int) uint8) (uint8, []byte, error) {
	if !h.bits() {
		v, rest, err := pnmNumber(in)
		return scaled(v), rest, err
	}
	for len(in) > 0 && isSpace(in[0]) {
		in = in[1:]
	}
	if len(in) == 0 {
		return 0, nil, io.ErrUnexpectedEOF
	}
	if in[0] != '0' && in[0] != '1' {
		return 0, nil, errors.New("a bit that is neither 0 nor 1")
	}
	return 255 * (1 - (in[0] - '0')), in[1:], nil
}
