package tensorboard

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Event is a moment of a run with numbers of it.
type Event struct {
	Time    time.Time
	Step    int
	Scalars []Scalar // none: the event that begins a file
}

// Scalar is a number with its name, which is grouped with others by what stands before a slash.
type Scalar struct {
	Tag   string
	Value float64 // is written as float32
}

// Numbers of the fields.
const (
	wallTime    protowire.Number = 1
	step        protowire.Number = 2
	fileVersion protowire.Number = 3
	summary     protowire.Number = 5

	value protowire.Number = 1 // of a summary

	tag         protowire.Number = 1 // of a value
	simpleValue protowire.Number = 2
)

const version = "brain.Event:2"

// Header is how a file that begins at that time begins.
func Header(began time.Time) []byte {
	data := appendTime(nil, began)
	data = protowire.AppendTag(data, fileVersion, protowire.BytesType)
	return record(nil, protowire.AppendString(data, version))
}

// Append appends the record of an event to a file's bytes.
func Append(file []byte, e Event) []byte {
	var values []byte
	for _, s := range e.Scalars {
		var v []byte
		v = protowire.AppendTag(v, tag, protowire.BytesType)
		v = protowire.AppendString(v, s.Tag)
		v = protowire.AppendTag(v, simpleValue, protowire.Fixed32Type)
		v = protowire.AppendFixed32(v, math.Float32bits(float32(s.Value)))
		values = protowire.AppendTag(values, value, protowire.BytesType)
		values = protowire.AppendBytes(values, v)
	}
	data := appendTime(nil, e.Time)
	data = protowire.AppendTag(data, step, protowire.VarintType)
	data = protowire.AppendVarint(data, uint64(e.Step)) // steps are not negative
	data = protowire.AppendTag(data, summary, protowire.BytesType)
	data = protowire.AppendBytes(data, values)
	return record(file, data)
}

func appendTime(data []byte, t time.Time) []byte {
	data = protowire.AppendTag(data, wallTime, protowire.Fixed64Type)
	return protowire.AppendFixed64(data, math.Float64bits(float64(t.Unix())+float64(t.Nanosecond())/1e9))
}

// record appends the record of some data.
func record(file, data []byte) []byte {
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(data)))
	file = append(file, length[:]...)
	file = binary.LittleEndian.AppendUint32(file, masked(length[:]))
	file = append(file, data...)
	return binary.LittleEndian.AppendUint32(file, masked(data))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func masked(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}

const (
	headBytes = 12 // of a record, before its data
	tailBytes = 4
)

var errRecord = errors.New("it has a record whose checksum is not that of its bytes")

// Parse reads the events of a file, without the one that begins it. whole is how long the file is up to the end of the
// last record that is all there. A record that is there and damaged is an error.
func Parse(file []byte) (events []Event, whole int, err error) {
	for {
		rest := file[whole:]
		if len(rest) < headBytes {
			return events, whole, nil
		}
		length := binary.LittleEndian.Uint64(rest)
		if binary.LittleEndian.Uint32(rest[8:]) != masked(rest[:8]) {
			return nil, 0, errRecord
		}
		if uint64(len(rest)-headBytes) < length || uint64(len(rest)-headBytes)-length < tailBytes {
			return events, whole, nil
		}
		end := headBytes + int(length) // it is shorter than the file
		data := rest[headBytes:end]
		if binary.LittleEndian.Uint32(rest[end:]) != masked(data) {
			return nil, 0, errRecord
		}
		e, err := parseEvent(data)
		if err != nil {
			return nil, 0, err
		}
		if len(e.Scalars) > 0 {
			events = append(events, e)
		}
		whole += end + tailBytes
	}
}

// parseEvent reads the fields that Append writes, and passes over others.
func parseEvent(data []byte) (Event, error) {
	var e Event
	err := fields(data, func(n protowire.Number, number uint64, text []byte) error {
		switch n {
		case wallTime:
			seconds, fraction := math.Modf(math.Float64frombits(number))
			e.Time = time.Unix(int64(seconds), int64(fraction*1e9))
		case step:
			e.Step = int(number) // steps are not negative
		case summary:
			return fields(text, func(n protowire.Number, _ uint64, text []byte) error {
				if n != value {
					return nil
				}
				var s Scalar
				err := fields(text, func(n protowire.Number, number uint64, text []byte) error {
					switch n {
					case tag:
						s.Tag = string(text)
					case simpleValue:
						s.Value = float64(math.Float32frombits(uint32(number))) // it has 32 bits
					}
					return nil
				})
				e.Scalars = append(e.Scalars, s)
				return err
			})
		}
		return nil
	})
	return e, err
}

// fields visits the fields of a message: a number's bits, or bytes.
func fields(data []byte, visit func(n protowire.Number, number uint64, text []byte) error) error {
	for len(data) > 0 {
		n, kind, used := protowire.ConsumeTag(data)
		if used < 0 {
			return protowire.ParseError(used)
		}
		data = data[used:]
		var number uint64
		var text []byte
		switch kind {
		case protowire.VarintType:
			number, used = protowire.ConsumeVarint(data)
		case protowire.Fixed64Type:
			number, used = protowire.ConsumeFixed64(data)
		case protowire.Fixed32Type:
			var short uint32
			short, used = protowire.ConsumeFixed32(data)
			number = uint64(short)
		case protowire.BytesType:
			text, used = protowire.ConsumeBytes(data)
		default:
			used = protowire.ConsumeFieldValue(n, kind, data)
		}
		if used < 0 {
			return protowire.ParseError(used)
		}
		if err := visit(n, number, text); err != nil {
			return err
		}
		data = data[used:]
	}
	return nil
}
